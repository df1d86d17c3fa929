// SPDX-License-Identifier: GPL-2.0
//! In a new network namespace, asks for a filter that searches by an algorithm whose name fills its
//! field without an end.

use std::os::fd::OwnedFd;

use anyhow::{bail, ensure, Context, Result};
use molt_patches::Verdict;
use rustix::io::Errno;
use rustix::net::{recv, send, socket, AddressFamily, RecvFlags, SendFlags, SocketType};
use rustix::thread::{unshare_unsafe, UnshareFlags};

const RTM_NEWQDISC: u16 = 36;
const RTM_NEWTFILTER: u16 = 44;
/// `NLM_F_REQUEST`, `NLM_F_ACK`, `NLM_F_EXCL` and `NLM_F_CREATE`.
const FLAGS: u16 = 0x605;
const NLMSG_ERROR: u16 = 2;

/// The only device of a new namespace.
const LOOPBACK: u32 = 1;
const CLSACT: u32 = 0xffff_fff1;
const CLSACT_INGRESS: u32 = 0xffff_fff2;

const TCA_KIND: u16 = 1;
const TCA_OPTIONS: u16 = 2;
const TCA_BASIC_EMATCHES: u16 = 2;
const TCA_EMATCH_TREE_HDR: u16 = 1;
const TCA_EMATCH_TREE_LIST: u16 = 2;
const TCF_EM_TEXT: u16 = 5;

pub fn probe() -> Result<Verdict> {
    // SAFETY: The network namespace has nothing to do with memory or file descriptors.
    unsafe { unshare_unsafe(UnshareFlags::NEWNET) }.context("no new network namespace")?;
    let rtnetlink = None; // NETLINK_ROUTE is 0
    let socket = socket(AddressFamily::NETLINK, SocketType::RAW, rtnetlink)?;
    let classifier = attribute(TCA_KIND, b"clsact\0");
    let clsact = message(RTM_NEWQDISC, 0xffff_0000, CLSACT, 0, &classifier);
    ask(&socket, &clsact)?.context("no qdisc clsact")?;

    match add_filter(&socket, b"no such thing\0\0\0")? {
        Err(Errno::NOENT) => (),
        other => bail!("a search by an algorithm that does not exist: {other:?}"),
    }
    match add_filter(&socket, b"without an end:)")? {
        Err(Errno::NOENT) => Ok(Verdict::Vulnerable(
            "a name without an end was looked for".into(),
        )),
        Err(Errno::INVAL) => Ok(Verdict::Fixed("a name without an end is refused".into())),
        other => bail!("a search by an algorithm whose name has no end: {other:?}"),
    }
}

/// Adds a filter `basic` with one text match.
fn add_filter(socket: &OwnedFd, algorithm: &[u8; 16]) -> Result<Result<(), Errno>> {
    let pattern = b"abc\0";
    let mut text = algorithm.to_vec();
    for number in [0x4141, 0x4242, 3_u16] {
        text.extend(number.to_ne_bytes());
    }
    text.extend([0x21, 0]); // from layer 1 to layer 2
    text.extend(pattern);

    // id and kind, no flags
    let mut ematch = Vec::new();
    for number in [0, TCF_EM_TEXT, 0, 0] {
        ematch.extend(number.to_ne_bytes());
    }
    ematch.extend(text);

    let mut tree = attribute(TCA_EMATCH_TREE_HDR, &[1, 0, 0, 0]); // one match
    tree.extend(attribute(TCA_EMATCH_TREE_LIST, &attribute(1, &ematch)));
    let mut attributes = attribute(TCA_KIND, b"basic\0");
    attributes.extend(attribute(
        TCA_OPTIONS,
        &attribute(TCA_BASIC_EMATCHES, &tree),
    ));

    let every_packet = u32::from(3_u16.to_be());
    let info = (1 << 16) | every_packet; // the filter's priority
    ask(
        socket,
        &message(RTM_NEWTFILTER, 0, CLSACT_INGRESS, info, &attributes),
    )
}

/// A message of `struct tcmsg` with attributes.
fn message(kind: u16, handle: u32, parent: u32, info: u32, attributes: &[u8]) -> Vec<u8> {
    let mut body = vec![0; 4]; // any family
    for number in [LOOPBACK, handle, parent, info] {
        body.extend(number.to_ne_bytes());
    }
    body.extend(attributes);
    let mut message = (body.len() as u32 + 16).to_ne_bytes().to_vec();
    message.extend(kind.to_ne_bytes());
    message.extend(FLAGS.to_ne_bytes());
    message.extend([0; 8]); // sequence and port
    message.extend(body);
    message
}

fn attribute(kind: u16, content: &[u8]) -> Vec<u8> {
    let mut bytes = (content.len() as u16 + 4).to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// Sends a request; the inner result is the kernel's.
fn ask(socket: &OwnedFd, request: &[u8]) -> Result<Result<(), Errno>> {
    send(socket, request, SendFlags::empty())?;
    let mut answer = [0; 4096];
    let (length, _) = recv(socket, &mut answer, RecvFlags::empty())?;
    ensure!(length >= 20, "a short answer from rtnetlink");
    let kind = u16::from_ne_bytes([answer[4], answer[5]]);
    ensure!(
        kind == NLMSG_ERROR,
        "an answer of type {kind} from rtnetlink"
    );
    let error = i32::from_ne_bytes([answer[16], answer[17], answer[18], answer[19]]);
    Ok(match error {
        0 => Ok(()),
        error => Err(Errno::from_raw_os_error(-error)),
    })
}
