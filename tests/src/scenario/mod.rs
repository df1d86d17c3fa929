// SPDX-License-Identifier: GPL-2.0
//! The list of all scenarios. The host makes a test of each, the guest runs one.

use std::borrow::Cow;
use std::time::Duration;

use anyhow::Result;

use crate::guest::Guest;

/// Declares a file's scenarios: `scenarios! { area: case, case.option(value) }`, where each case
/// is a function of that file.
macro_rules! scenarios {
    ($area:ident: $($case:ident $(.$option:ident($($value:expr),*))*),* $(,)?) => {
        /// The scenarios of this area.
        pub const ALL: &[$crate::scenario::Scenario] = &[
            $($crate::scenario::Scenario::new(stringify!($area), stringify!($case), $case)
                $(.$option($($value),*))*),*
        ];
    };
}

mod api;
mod atomic;
mod bench;
mod busy;
mod callback;
mod coexist;
mod coming;
mod direct;
mod ending;
mod exiting;
mod fix;
mod force;
mod found;
mod hotplug;
mod input;
mod nmi;
mod object;
mod pertask;
mod refuse;
mod replace;
mod request;
mod sample;
mod shadow;
mod smoke;
mod stack;
mod state;
mod storm;
mod symbol;
mod sysfs;
mod unload;
mod unreliable;
mod verdict;

/// One test that runs in a guest of its own.
#[derive(Clone)]
pub struct Scenario {
    area: &'static str,
    case: Cow<'static, str>,
    /// Runs in the guest.
    pub run: fn(&Guest) -> Result<()>,
    /// The longest time the guest may take, booting included.
    pub deadline: Duration,
    /// Splats (see `host::splat`) that this scenario provokes from the kernel
    /// itself: a line that contains one of these is no failure.
    pub expected_splats: &'static [&'static str],
    /// How the machine is to end.
    pub ending: Ending,
    /// How patches are changed whose authors do not say it; without it, as the core begins.
    pub model: Option<&'static str>,
    /// Why this is no scenario of the other model: words, or the name of the one that is.
    pub only_stop_machine: Option<&'static str>,
    /// It fails, because of a fault that is not mended yet.
    pub known: Option<KnownFault>,
}

/// A fault that a scenario shows.
#[derive(Clone, Copy, Debug)]
pub struct KnownFault {
    /// What it is.
    pub what: &'static str,
    /// What the failure says; every other failure counts.
    pub says: &'static str,
    /// It fails each time, not only when the machine happens to be slow or fast enough.
    pub always: bool,
}

/// How a machine ends when its scenario has run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It is switched off.
    PowerOff,
    /// It is restarted.
    Restart,
}

impl Scenario {
    const fn new(area: &'static str, case: &'static str, run: fn(&Guest) -> Result<()>) -> Self {
        Self {
            area,
            case: Cow::Borrowed(case),
            run,
            deadline: Duration::from_secs(60),
            expected_splats: &[],
            ending: Ending::PowerOff,
            model: None,
            only_stop_machine: None,
            known: None,
        }
    }

    /// It fails with words that contain `says`, because of a fault that is not mended yet. When it
    /// passes, that is a failure: the mark has to go.
    const fn known_to_fail(mut self, what: &'static str, says: &'static str) -> Self {
        self.known = Some(KnownFault {
            what,
            says,
            always: true,
        });
        self
    }

    /// It may fail with words that contain `says`, because of a fault that is not mended yet and
    /// that takes luck to be seen.
    const fn known_to_fail_at_times(mut self, what: &'static str, says: &'static str) -> Self {
        self.known = Some(KnownFault {
            what,
            says,
            always: false,
        });
        self
    }

    /// The scenario with changes that are made task by task, unless it is about one model.
    fn task_by_task(&self) -> Option<Self> {
        let both = self.area != "pertask" && self.only_stop_machine.is_none();
        let both = both && self.known.is_none();
        both.then(|| Self {
            area: "pertask",
            case: format!("{}_{}", self.area, self.case).into(),
            model: Some("per_task"),
            ..self.clone()
        })
    }

    /// Says that it is about changes at one instant only, and why, or which scenario of `pertask`
    /// has what is different there. As a rule it expects that a task in the way prevents a change.
    const fn only_stop_machine(mut self, why: &'static str) -> Self {
        self.only_stop_machine = Some(why);
        self
    }

    /// Gives it another number of seconds.
    const fn seconds(mut self, seconds: u64) -> Self {
        self.deadline = Duration::from_secs(seconds);
        self
    }

    /// Its name within the area.
    pub fn case(&self) -> &str {
        &self.case
    }

    /// Lets the machine restart at the end.
    const fn restarts(mut self) -> Self {
        self.ending = Ending::Restart;
        self
    }

    /// `area::case`.
    pub fn name(&self) -> String {
        format!("{}::{}", self.area, self.case)
    }
}

/// All scenarios but those of fixes, as they are, and those that are about both models task by
/// task as well.
pub fn all() -> impl Iterator<Item = Scenario> {
    areas().chain(areas().filter_map(|scenario| scenario.task_by_task()))
}

fn areas() -> impl Iterator<Item = Scenario> {
    [
        smoke::ALL,
        stack::ALL,
        busy::ALL,
        unreliable::ALL,
        verdict::ALL,
        refuse::ALL,
        input::ALL,
        request::ALL,
        sample::ALL,
        exiting::ALL,
        atomic::ALL,
        nmi::ALL,
        unload::ALL,
        coexist::ALL,
        hotplug::ALL,
        storm::ALL,
        ending::ALL,
        sysfs::ALL,
        object::ALL,
        coming::ALL,
        direct::ALL,
        replace::ALL,
        callback::ALL,
        force::ALL,
        found::ALL,
        pertask::ALL,
        api::ALL,
        shadow::ALL,
        state::ALL,
        symbol::ALL,
    ]
    .into_iter()
    .flatten()
    .cloned()
}

/// The scenario of the fix of that name, which only the host has a list of.
pub fn fix(name: &str) -> Scenario {
    fix::scenario(name)
}

/// The scenario of that plan of the benchmark.
pub fn bench(plan: &str) -> Option<Scenario> {
    bench::scenario(plan)
}

/// The scenario of that name.
pub fn find(name: &str) -> Option<Scenario> {
    match name.split_once("::") {
        Some(("fix", case)) => Some(fix(case)),
        Some(("bench", case)) => bench(case),
        _ => all().find(|scenario| scenario.name() == name),
    }
}
