// SPDX-License-Identifier: GPL-2.0

//! The list of scenarios is what it says.

use std::collections::BTreeSet;

use molt_tests::scenario;

#[test]
fn each_has_a_name_of_its_own() {
    let mut names = BTreeSet::new();
    for scenario in scenario::all() {
        assert!(
            names.insert(scenario.name()),
            "{} is there twice",
            scenario.name()
        );
    }
}

/// A scenario about one model names what there is for the other one, or says why there is nothing.
#[test]
fn what_is_for_one_model_says_why() {
    for scenario in scenario::all() {
        let Some(why) = scenario.only_stop_machine else {
            continue;
        };
        let name = scenario.name();
        assert!(!why.is_empty(), "{name} does not say why");
        if why.contains("::") {
            let found = scenario::find(why);
            let found = found.unwrap_or_else(|| panic!("{name}: there is no test {why:?}"));
            assert!(found.name().starts_with("pertask::"), "{name}: {why}");
        }
    }
}
