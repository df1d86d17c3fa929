// SPDX-License-Identifier: GPL-2.0

//! Letting go of what transitions have left over, beside the worker: that waits for all tasks, and
//! the next change need not.

use crate::edge::kernel::queue::WorkQueue;
use crate::edge::mechanism::reclaim::Retired;
use kernel::impl_has_work;
use kernel::new_mutex;
use kernel::new_work;
use kernel::prelude::*;
use kernel::sync::Arc;
use kernel::sync::Mutex;
use kernel::workqueue::Work;
use kernel::workqueue::WorkItem;

/// See the module's documentation.
#[pin_data]
pub(crate) struct Cleanup {
    #[pin]
    retired: Mutex<Option<Retired>>,
    #[pin]
    work: Work<Cleanup>,
}

impl_has_work! {
    impl HasWork<Self> for Cleanup { self.work }
}

impl Cleanup {
    /// Lets go of `retired` on `queue`; without memory, here. Process context; sleeps.
    pub(crate) fn of(retired: Retired, queue: &WorkQueue) {
        if retired.is_empty() {
            return;
        }
        let cleanup = Arc::pin_init(
            pin_init!(Self {
                retired <- new_mutex!(None),
                work <- new_work!("molt::Cleanup"),
            }),
            GFP_KERNEL,
        );
        match cleanup {
            Ok(cleanup) => {
                *cleanup.retired.lock() = Some(retired);
                // It is on no queue, so this cannot fail.
                let _ = queue.get().enqueue(cleanup);
            }
            Err(_) => drop(retired),
        }
    }
}

impl WorkItem for Cleanup {
    type Pointer = Arc<Self>;

    fn run(cleanup: Arc<Self>) {
        let retired = cleanup.retired.lock().take();
        drop(retired);
    }
}
