// SPDX-License-Identifier: GPL-2.0

//! Functions that have jumps only as long as nobody else wants them, and a BPF program that does.
//!
//! ftrace refuses a BPF trampoline on a function with a jump. So when such a program is loaded,
//! which is before it is attached, the function gets its handler back. That takes some
//! milliseconds, or until the change under way is over; a program that is attached sooner is
//! refused, and has to try again.

use crate::{
    edge::kernel::{
        bpf::ProgramListener,
        queue::WorkQueue, //
    },
    pure::address::FunctionAddress,
    registry::shared::Shared, //
};
use kernel::{
    impl_has_work,
    new_spinlock,
    new_work,
    prelude::*,
    sync::{
        Arc,
        SpinLock, //
    },
    workqueue::{
        Work,
        WorkItem, //
    }, //
};

/// Programs that can be told apart until the worker has its turn. When there are more, all
/// functions are given back that may be.
const TOLD_APART: usize = 16;

/// The work that gives functions back.
#[pin_data]
pub(crate) struct GiveBack {
    shared: Arc<Shared>,
    #[pin]
    wanted: SpinLock<Wanted>,
    #[pin]
    work: Work<GiveBack>,
}

/// The functions that programs want.
#[derive(Clone, Copy)]
struct Wanted {
    addresses: [FunctionAddress; TOLD_APART],
    count: usize,
}

impl Wanted {
    const NOTHING: Self = Self {
        addresses: [FunctionAddress(0); TOLD_APART],
        count: 0,
    };

    fn holds(&self, address: FunctionAddress) -> bool {
        let told_apart = self.addresses.get(..self.count);
        told_apart.is_none_or(|addresses| addresses.contains(&address))
    }
}

impl_has_work! {
    impl HasWork<Self> for GiveBack { self.work }
}

impl WorkItem for GiveBack {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        let wanted = core::mem::replace(&mut *this.wanted.lock(), Wanted::NOTHING);
        let mut registry = this.shared.registry.lock();
        registry.give_back(|address| wanted.holds(address));
    }
}

/// What hears of BPF programs, and has the worker give functions back.
pub(crate) struct BpfListener {
    queue: Arc<WorkQueue>,
    give_back: Arc<GiveBack>,
}

impl BpfListener {
    /// Its worker is that of `queue`, which must be emptied after the listener hears nothing any
    /// more.
    pub(crate) fn new(shared: Arc<Shared>, queue: Arc<WorkQueue>) -> Result<Arc<Self>> {
        let give_back = Arc::pin_init(
            pin_init!(GiveBack {
                shared,
                wanted <- new_spinlock!(Wanted::NOTHING),
                work <- new_work!("molt::GiveBack"),
            }),
            GFP_KERNEL,
        )?;
        Ok(Arc::new(Self { queue, give_back }, GFP_KERNEL)?)
    }
}

impl ProgramListener for BpfListener {
    fn wanted(&self, address: FunctionAddress) {
        {
            let mut wanted = self.give_back.wanted.lock();
            let count = wanted.count;
            if let Some(free) = wanted.addresses.get_mut(count) {
                *free = address;
            }
            wanted.count = count.saturating_add(1);
        }
        // On the queue already: it has its turn yet.
        let _ = self.queue.get().enqueue(self.give_back.clone());
    }
}
