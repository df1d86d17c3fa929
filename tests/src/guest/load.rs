// SPDX-License-Identifier: GPL-2.0
//! Threads that do the same again and again while a scenario does something else.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use anyhow::{anyhow, Result};

/// Threads that work until they are told to stop.
pub struct Load {
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Result<u64>>>,
}

impl Load {
    /// Starts `threads` threads, each of which repeats `work` with its number.
    pub fn start(
        threads: usize,
        work: impl Fn(usize) -> Result<()> + Clone + Send + 'static,
    ) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let threads = (0..threads)
            .map(|number| {
                let (over, work) = (Arc::clone(&over), work.clone());
                thread::spawn(move || {
                    let mut turns = 0;
                    while !over.load(Ordering::Relaxed) {
                        work(number)?;
                        turns += 1;
                    }
                    Ok(turns)
                })
            })
            .collect();
        Self { over, threads }
    }

    /// Lets all of them finish their turn; how many turns there were. Fails if one
    /// of them did.
    pub fn stop(self) -> Result<u64> {
        self.over.store(true, Ordering::Relaxed);
        let mut turns = 0;
        for thread in self.threads {
            turns += thread.join().map_err(|_| anyhow!("a thread panicked"))??;
        }
        Ok(turns)
    }
}
