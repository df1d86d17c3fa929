// SPDX-License-Identifier: GPL-2.0
//! `results.json`.

use std::collections::BTreeMap;

use serde_json::{json, Map, Value};

use super::claim::Claim;
use super::figures::Figures;
use super::how;
use crate::bench::plan::{Place, Plan};
use crate::bench::sample::figure;

/// Modes of a call, as they are named in the results.
pub const MODES: [&str; 10] = [
    "plain",
    "entry_jmp",
    "molt_direct",
    "molt_ftrace",
    "kpatch",
    "livepatch",
    "molt_transition",
    "molt_beside_transition",
    "molt_after_transition",
    "livepatch_transition",
];

/// Everything, medians first, then each round's value.
pub fn results(
    plan: &Plan,
    kernel: &str,
    figures: &Figures,
    beside: Option<&Figures>,
    claims: &[Claim],
) -> Value {
    json!({
        "kernel": kernel,
        "plan": plan.name,
        "how": how::sections(),
        "stop_window": windows(figures),
        "stop_window_of_two_cpus": beside.map(windows),
        "call": calls(figures),
        "call_by_functions": MODES.iter().map(|&mode| {
            (mode.to_owned(), by_functions(figures.calls(mode)))
        }).collect::<Map<_, _>>(),
        "apply_ms": figures.places().into_iter().map(|place| change(figures, place))
            .collect::<Vec<_>>(),
        "redirect_ms": {
            "to_direct": redirect(figures, figure::TO_DIRECT),
            "to_ftrace": redirect(figures, figure::TO_FTRACE),
        },
        "memory_kib": memory(figures),
        "claims": claims.iter().map(claim).collect::<Vec<_>>(),
        "rounds": rounds(figures),
        "rounds_of_two_cpus": beside.map(rounds),
    })
}

fn rounds(figures: &Figures) -> Value {
    let all = figures.all().map(|(figure, place, values)| {
        let mut round = at(place);
        round.insert("figure".into(), figure.into());
        round.insert("values".into(), values.into());
        Value::from(round)
    });
    all.collect::<Vec<_>>().into()
}

fn windows(figures: &Figures) -> Value {
    let places = figures.places().into_iter();
    let windows = places.map(|place| stop_window(figures, place));
    windows.collect::<Vec<_>>().into()
}

fn at(place: Place) -> Map<String, Value> {
    Map::from_iter([
        ("threads".into(), place.threads.into()),
        ("functions".into(), place.functions.into()),
        ("load".into(), place.load.to_string().into()),
    ])
}

fn stop_window(figures: &Figures, place: Place) -> Value {
    let mut window = at(place);
    for (name, figure) in [
        ("molt_ns", figure::WINDOW),
        ("molt_undo_ns", figure::UNDO_WINDOW),
        ("molt_tasks_verified", figure::VERIFIED),
        ("molt_attempts", figure::ATTEMPTS),
        ("molt_overflows", figure::OVERFLOWS),
        ("full_walk_ns", figure::WALK),
        ("full_walk_tasks", figure::WALK_TASKS),
        ("empty_ns", figure::EMPTY),
        ("empty_call_ns", figure::EMPTY_WHOLE),
    ] {
        window.insert(name.into(), figures.median(figure, place).into());
    }
    window.into()
}

/// With one function, or none where none is patched.
fn calls(figures: &Figures) -> Map<String, Value> {
    MODES
        .iter()
        .map(|&mode| {
            let least = figures.calls(mode).values().next().copied();
            (mode.to_owned(), least.into())
        })
        .collect()
}

fn change(figures: &Figures, place: Place) -> Value {
    let mut change = at(place);
    for (name, figure) in [
        ("molt", figure::APPLY),
        ("livepatch", figure::LIVEPATCH_APPLY),
        ("molt_per_task", figure::PER_TASK_APPLY),
        ("molt_undo", figure::UNDO),
        ("molt_per_task_undo", figure::PER_TASK_UNDO),
        ("livepatch_undo", figure::LIVEPATCH_UNDO),
        ("molt_per_task_follow", figure::PER_TASK_FOLLOW),
        ("livepatch_follow", figure::LIVEPATCH_FOLLOW),
    ] {
        change.insert(name.into(), milliseconds(figures, figure, place).into());
    }
    change.into()
}

/// With three decimals.
pub fn milliseconds(figures: &Figures, figure: &str, place: Place) -> Option<f64> {
    let nanoseconds = figures.number(figure, place)?;
    Some((nanoseconds / 1e3).round() / 1e3)
}

fn redirect(figures: &Figures, name: &str) -> Map<String, Value> {
    figures
        .all()
        .filter(|(figure, _, _)| *figure == name)
        .map(|(_, place, _)| {
            let took = milliseconds(figures, name, place);
            (place.functions.to_string(), took.into())
        })
        .collect()
}

fn memory(figures: &Figures) -> Value {
    let of = |what: &str| {
        json!({
            "module": by_functions(figures.memory(&format!("{what}_module"))),
            "pages": by_functions(figures.memory(&format!("{what}_pages"))),
        })
    };
    let core = |kind: &str| figures.memory(&format!("core_{kind}")).get(&0).copied();
    json!({
        "core": { "module": core("module"), "pages": core("pages") },
        "patch": of("patch"),
        "livepatch": of("livepatch"),
    })
}

fn by_functions(values: BTreeMap<u32, f64>) -> Value {
    let values = values.into_iter();
    Value::from_iter(values.map(|(functions, value)| (functions.to_string(), value)))
}

fn claim(claim: &Claim) -> Value {
    let (least, most) = claim.limits();
    json!({
        "what": claim.words,
        "value": claim.value,
        "at_least": least,
        "at_most": most,
        "holds": claim.holds(),
    })
}
