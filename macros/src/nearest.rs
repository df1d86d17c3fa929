// SPDX-License-Identifier: GPL-2.0

//! Names that the author may have meant.

/// How many to offer.
const OFFERED: usize = 3;

/// The candidates most like `name`, best first.
pub(crate) fn nearest<'n>(name: &str, candidates: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let limit = 1 + name.len() / 4;
    let mut found: Vec<(usize, &str)> = candidates
        .filter(|candidate| candidate.len().abs_diff(name.len()) <= limit)
        .filter_map(|candidate| Some((rank(name, candidate, limit)?, candidate)))
        .collect();
    found.sort_unstable();
    found.dedup();
    found.truncate(OFFERED);
    found.into_iter().map(|(_, candidate)| candidate).collect()
}

/// How far apart two names are: the same words in another order are next to equality.
fn rank(name: &str, candidate: &str, limit: usize) -> Option<usize> {
    if words(name) == words(candidate) {
        return Some(0);
    }
    let distance = distance(name.as_bytes(), candidate.as_bytes());
    (distance <= limit).then_some(distance)
}

fn words(name: &str) -> Vec<&str> {
    let mut words: Vec<&str> = name.split('_').filter(|word| !word.is_empty()).collect();
    words.sort_unstable();
    words
}

/// The number of letters to insert, delete or replace (Levenshtein).
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 4] = [
        "cmdline_proc_show",
        "version_proc_show",
        "show_mem",
        "do_exit",
    ];

    fn offered(name: &str) -> Vec<&'static str> {
        nearest(name, NAMES.into_iter())
    }

    #[test]
    fn letters_count() {
        assert_eq!(distance(b"kitten", b"sitting"), 3);
        assert_eq!(distance(b"", b"abc"), 3);
        assert_eq!(offered("cmdline_proc_shw"), ["cmdline_proc_show"]);
        assert!(offered("something_else").is_empty());
    }

    #[test]
    fn words_in_another_order_are_found() {
        assert_eq!(offered("proc_cmdline_show"), ["cmdline_proc_show"]);
        assert_eq!(offered("mem_show"), ["show_mem"]);
    }
}
