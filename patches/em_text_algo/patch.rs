// SPDX-License-Identifier: GPL-2.0

//! A text match of `tc` takes the name of its algorithm only if it ends.

use core::mem::size_of;

use kernel::error::{from_err_ptr, from_result};
use molt::prelude::*;

patch! {
    description: "net/sched: em_text: reject an algorithm's name without an end",
    license: "GPL",
    em_text: { em_text_change => em_text_change },
}

extern "C" {
    fn textsearch_prepare(
        algorithm: *const c_char,
        pattern: *const c_void,
        length: c_uint,
        gfp: c::gfp_t,
        flags: c_int,
    ) -> *mut c::ts_config;
    fn textsearch_destroy(search: *mut c::ts_config);
    fn rtnl_lock();
    fn rtnl_unlock();
}

/// `TS_AUTOLOAD` of `linux/textsearch.h`: load the module that has the algorithm.
const AUTOLOAD: c_int = 1;

/// What the original says when there is no memory.
fn no_buffers() -> Error {
    Error::from_errno(-(c::ENOBUFS as c_int))
}

/// What user space sends: `struct tcf_em_text`, followed by the pattern.
#[repr(C)]
struct Request {
    algorithm: [u8; 16],
    from_offset: u16,
    to_offset: u16,
    pattern_length: u16,
    /// `from_layer` in the lower half, `to_layer` in the upper.
    layers: u8,
    _pad: u8,
}

impl Request {
    /// Layer and offset at which to begin.
    fn begin(&self) -> (u8, u16) {
        (self.layers & 0xf, self.from_offset)
    }

    /// Layer and offset at which to end.
    fn end(&self) -> (u8, u16) {
        (self.layers >> 4, self.to_offset)
    }
}

/// What `em_text.c` keeps of a match, `struct text_match`.
#[repr(C)]
struct TextMatch {
    from_offset: u16,
    to_offset: u16,
    from_layer: u8,
    to_layer: u8,
    search: *mut c::ts_config,
}

/// The head of `struct tcf_ematch`.
#[repr(C)]
struct Ematch {
    ops: *mut c_void,
    data: *mut TextMatch,
    data_length: c_uint,
}

/// A prepared search, given back when dropped.
///
/// # Invariants
///
/// The pointer is what `textsearch_prepare` returned, and nobody else has it.
struct Search(*mut c::ts_config);

impl Search {
    /// # Safety
    ///
    /// `algorithm` ends with NUL; `pattern` has `length` bytes.
    unsafe fn prepare(
        algorithm: &[u8; 16],
        pattern: *const u8,
        length: u16,
        flags: c_int,
    ) -> Result<Self> {
        // SAFETY: Both are as the caller says, and are only read during the call.
        let search = unsafe {
            textsearch_prepare(
                algorithm.as_ptr(),
                pattern.cast(),
                length.into(),
                c::GFP_KERNEL,
                flags,
            )
        };
        // INVARIANT: It comes from there.
        from_err_ptr(search).map(Search)
    }

    fn into_raw(self) -> *mut c::ts_config {
        core::mem::ManuallyDrop::new(self).0
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        // SAFETY: By the invariant it is ours to destroy.
        unsafe { textsearch_destroy(self.0) }
    }
}

/// Replaces `em_text_change` of `net/sched/em_text.c`.
///
/// # Safety
///
/// `data` are `length` bytes, aligned for a netlink attribute. `ematch` is new and for this call
/// alone. RTNL is held.
unsafe extern "C" fn em_text_change(
    _net: *mut c::net,
    data: *mut c_void,
    length: c_int,
    ematch: *mut c::tcf_ematch,
) -> c_int {
    // SAFETY: What the caller guarantees.
    from_result(|| unsafe { change(data.cast(), length, ematch.cast()) }.map(|()| 0))
}

/// # Safety
///
/// See [`em_text_change`].
unsafe fn change(data: *const u8, length: c_int, ematch: *mut Ematch) -> Result {
    let room = usize::try_from(length)?
        .checked_sub(size_of::<Request>())
        .ok_or(EINVAL)?;
    // SAFETY: There are enough bytes, any of which make a `Request`. An attribute is aligned to 4.
    let request = unsafe { &*data.cast::<Request>() };
    if room < usize::from(request.pattern_length) {
        return Err(EINVAL);
    }
    // This is the fix: from here on, algorithms are compared with it up to its NUL.
    if !request.algorithm.contains(&0) {
        return Err(EINVAL);
    }
    let ((from_layer, from_offset), (to_layer, to_offset)) = (request.begin(), request.end());
    if (from_layer, from_offset) > (to_layer, to_offset) {
        return Err(EINVAL);
    }

    // SAFETY: The length was checked to include the pattern, which begins behind the request.
    let pattern = unsafe { data.add(size_of::<Request>()) };
    let prepare = |flags| {
        // SAFETY: The name ends, and the pattern is as long as the request says.
        unsafe { Search::prepare(&request.algorithm, pattern, request.pattern_length, flags) }
    };
    let search = match prepare(0) {
        Err(error) if error == ENOENT => {
            // Loading a module may need RTNL.
            // SAFETY: The caller holds it.
            unsafe { rtnl_unlock() };
            let loaded = prepare(AUTOLOAD);
            // SAFETY: It was let go above.
            unsafe { rtnl_lock() };
            drop(loaded?);
            // The world may have changed meanwhile: the caller begins anew.
            return Err(EAGAIN);
        }
        result => result?,
    };

    let text = KBox::new(
        TextMatch {
            from_offset,
            to_offset,
            from_layer,
            to_layer,
            search: core::ptr::null_mut(),
        },
        GFP_KERNEL,
    );
    let mut text = text.map_err(|_| no_buffers())?;
    text.search = search.into_raw();
    // SAFETY: What the caller guarantees. `em_text_destroy` frees both, by `kfree` and as we would.
    unsafe {
        (*ematch).data = KBox::into_raw(text);
        (*ematch).data_length = size_of::<TextMatch>() as c_uint;
    }
    Ok(())
}
