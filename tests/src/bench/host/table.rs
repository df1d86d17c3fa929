// SPDX-License-Identifier: GPL-2.0
//! The results as tables, for the terminal and for `docs/bench.md` alike.

use std::fmt::Write;

use super::claim::{short, Claim};
use super::figures::Figures;
use super::results::{milliseconds, MODES};
use crate::bench::sample::figure;

/// All tables.
pub fn tables(figures: &Figures, beside: Option<&Figures>, claims: &[Claim]) -> String {
    let mut text = String::new();
    windows("stop window", figures, &mut text);
    if let Some(beside) = beside {
        text.push('\n');
        windows("stop window, 2 CPUs", beside, &mut text);
    }
    calls(figures, &mut text);
    changes(figures, &mut text);
    follow(figures, &mut text);
    memory(figures, &mut text);
    text.push_str("\n| claim | measured | aim | holds |\n|---|--:|--:|---|\n");
    for claim in claims {
        line(&mut text, &claim.to_string());
    }
    text
}

fn line(text: &mut String, words: &str) {
    text.push_str(words);
    text.push('\n');
}

fn windows(title: &str, figures: &Figures, text: &mut String) {
    line(
        text,
        &format!(
            "| {title}: threads | functions | load | molt | tasks verified | back | full walk \
         | full walk / molt | empty |\n|--:|--:|---|--:|--:|--:|--:|--:|--:|"
        ),
    );
    for place in figures.places() {
        let count = |name| figures.median(name, place).map_or("–".into(), thousands);
        let ratio = figures.ratio(figure::WALK, figure::WINDOW, place);
        line(
            text,
            &format!(
                "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
                thousands(place.threads.into()),
                place.functions,
                place.load,
                count(figure::WINDOW),
                count(figure::VERIFIED),
                count(figure::UNDO_WINDOW),
                count(figure::WALK),
                ratio.map_or("–".into(), |ratio| short(ratio, 1)),
                count(figure::EMPTY),
            ),
        );
    }
}

fn calls(figures: &Figures, text: &mut String) {
    let plain = figures.calls("plain").get(&0).copied().unwrap_or_default();
    line(
        text,
        "\n| call: instructions | functions patched | all | added |\n|---|--:|--:|--:|",
    );
    for mode in MODES {
        for (functions, value) in figures.calls(mode) {
            let added = short(value - plain, 2);
            line(
                text,
                &format!("| {mode} | {functions} | {} | {added} |", short(value, 2)),
            );
        }
    }
}

fn changes(figures: &Figures, text: &mut String) {
    line(
        text,
        "\n| change: threads | functions | load | molt, ms | livepatch, ms | faster by | molt per task, ms \
         | molt back, ms | livepatch back, ms | faster by | molt back per task, ms |\n\
         |--:|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    );
    for place in figures.places() {
        let mut row = format!(
            "| {} | {} | {} |",
            thousands(place.threads.into()),
            place.functions,
            place.load
        );
        for (ours, theirs, per_task) in [
            (
                figure::APPLY,
                figure::LIVEPATCH_APPLY,
                figure::PER_TASK_APPLY,
            ),
            (figure::UNDO, figure::LIVEPATCH_UNDO, figure::PER_TASK_UNDO),
        ] {
            for value in [
                milliseconds(figures, ours, place),
                milliseconds(figures, theirs, place),
                figures.ratio(theirs, ours, place),
                milliseconds(figures, per_task, place),
            ] {
                let value = value.map_or("–".into(), |value| short(value, 2));
                // Writing to a string cannot fail.
                let _ = write!(row, " {value} |");
            }
        }
        line(text, &row);
    }
}

fn follow(figures: &Figures, text: &mut String) {
    line(
        text,
        "\n| from the last task to the end: threads | functions | load | molt per task, ms | livepatch, ms |\n\
         |--:|--:|---|--:|--:|",
    );
    for place in figures.places() {
        let [ours, theirs] = [figure::PER_TASK_FOLLOW, figure::LIVEPATCH_FOLLOW]
            .map(|figure| milliseconds(figures, figure, place));
        let Some(ours) = ours else { continue };
        line(
            text,
            &format!(
                "| {} | {} | {} | {} | {} |",
                thousands(place.threads.into()),
                place.functions,
                place.load,
                short(ours, 2),
                theirs.map_or("–".into(), |value| short(value, 2)),
            ),
        );
    }
}

fn memory(figures: &Figures, text: &mut String) {
    line(
        text,
        "\n| memory | functions | module, KiB | pages, KiB |\n|---|--:|--:|--:|",
    );
    for what in ["core", "patch", "livepatch"] {
        let pages = figures.memory(&format!("{what}_pages"));
        for (functions, module) in figures.memory(&format!("{what}_module")) {
            let pages = pages.get(&functions).copied().unwrap_or_default();
            line(
                text,
                &format!(
                    "| {what} | {functions} | {} | {} |",
                    short(module, 1),
                    short(pages, 1)
                ),
            );
        }
    }
}

/// A number with commas.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn numbers_have_commas() {
        assert_eq!(thousands(7), "7");
        assert_eq!(thousands(1_000), "1,000");
        assert_eq!(thousands(123_456_789), "123,456,789");
    }
}
