// SPDX-License-Identifier: GPL-2.0
//! The benchmark. It is no test: only its own program orders it.

use anyhow::{Context, Result};

use super::Scenario;
use crate::bench::guest;
use crate::bench::plan::Plan;
use crate::guest::Guest;

/// The scenario that carries out a plan.
pub fn scenario(plan: &str) -> Option<Scenario> {
    let plan = Plan::find(plan)?;
    let mut scenario = Scenario::new("bench", plan.name, run);
    scenario.deadline = plan.patience;
    Some(scenario)
}

fn run(guest: &Guest) -> Result<()> {
    let plan = Plan::find(guest.case()).context("no such plan")?;
    guest::run(guest, plan)
}
