// SPDX-License-Identifier: GPL-2.0

//! molt's own mechanisms: how calls are redirected, how a transition sends each task its own way,
//! and which tasks have run.

pub(crate) mod handler;
pub(crate) mod junction;
pub(crate) mod migration;
pub(crate) mod reclaim;
pub(crate) mod recorder;
pub(crate) mod redirect;
pub(crate) mod state;
pub(crate) mod task_probes;
pub(crate) mod task_queue;
pub(crate) mod task_work;
