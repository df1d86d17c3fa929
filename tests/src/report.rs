// SPDX-License-Identifier: GPL-2.0
//! What the guest reports over its second serial port, apart from the console.
//!
//! One line each: `TOKEN VERB TEXT`. The token is random and new for each VM, so
//! neither noise nor an older log can be taken for a report. A scenario has
//! passed if there is one `start`, then any number of `note`, then one `ok`.

use std::io::{self, Write};

/// What the guest says before it waits for its order, `SCENARIO TOKEN`.
pub const READY: &str = "ready for an order";

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// The scenario of that name begins.
    Start(String),
    /// A figure or an observation, shown in the log.
    Note(String),
    /// The scenario has succeeded.
    Ok,
    /// The scenario has failed, and why.
    Fail(String),
}

impl Line {
    /// Writes the line to the guest's serial port.
    pub fn write(&self, token: &str, port: &mut impl Write) -> io::Result<()> {
        let (verb, text) = match self {
            Self::Start(name) => ("start", name.as_str()),
            Self::Note(text) => ("note", text.as_str()),
            Self::Ok => ("ok", ""),
            Self::Fail(why) => ("fail", why.as_str()),
        };
        // One write, so that lines of several threads do not mix.
        port.write_all(format!("{token} {verb} {}\n", escape(text)).as_bytes())?;
        port.flush()
    }

    fn parse(token: &str, line: &str) -> Option<Self> {
        let line = line.trim_end().strip_prefix(token)?.strip_prefix(' ')?;
        let (verb, text) = line.split_once(' ').unwrap_or((line, ""));
        match verb {
            "start" => Some(Self::Start(unescape(text))),
            "note" => Some(Self::Note(unescape(text))),
            "ok" => Some(Self::Ok),
            "fail" => Some(Self::Fail(unescape(text))),
            _ => None,
        }
    }
}

/// What a whole report says.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Succeeded.
    Ok,
    /// Failed, and why.
    Fail(String),
    /// The guest never said; how far it came.
    Silent(&'static str),
}

/// Reads the report that a guest left.
pub fn read(token: &str, text: &str) -> (Verdict, Vec<String>) {
    let lines: Vec<Line> = text
        .lines()
        .filter_map(|line| Line::parse(token, line))
        .collect();
    let notes = lines
        .iter()
        .filter_map(|line| match line {
            Line::Note(text) => Some(text.clone()),
            _ => None,
        })
        .collect();
    let failure = lines.iter().find_map(|line| match line {
        Line::Fail(why) => Some(why.clone()),
        _ => None,
    });
    let verdict = match (failure, lines.first(), lines.last()) {
        (Some(why), _, _) => Verdict::Fail(why),
        (None, Some(Line::Start(_)), Some(Line::Ok)) => Verdict::Ok,
        (None, Some(Line::Start(_)), _) => Verdict::Silent("the scenario began and did not end"),
        _ => Verdict::Silent("the guest never came as far as the scenario"),
    };
    (verdict, notes)
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('\n', "\\n")
        .replace('\r', "")
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('n') => plain.push('\n'),
                Some(other) => plain.push(other),
                None => plain.push('\\'),
            },
            (c, false) => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(token: &str, lines: &[Line]) -> String {
        let mut port = Vec::new();
        for line in lines {
            line.write(token, &mut port).unwrap();
        }
        String::from_utf8(port).unwrap()
    }

    #[test]
    fn text_survives() {
        let why = "first\nsecond \\n third\\".to_owned();
        let text = sent("t", &[Line::Start("a::b".into()), Line::Fail(why.clone())]);
        assert_eq!(read("t", &text).0, Verdict::Fail(why));
    }

    #[test]
    fn only_a_whole_report_passes() {
        let whole = sent(
            "t",
            &[Line::Start("a::b".into()), Line::Note("n".into()), Line::Ok],
        );
        assert_eq!(read("t", &whole), (Verdict::Ok, vec!["n".to_owned()]));
        assert!(matches!(read("other", &whole).0, Verdict::Silent(_)));
        assert!(matches!(read("t", "").0, Verdict::Silent(_)));
        assert!(matches!(
            read("t", &sent("t", &[Line::Ok])).0,
            Verdict::Silent(_)
        ));
        let cut = sent("t", &[Line::Start("a::b".into()), Line::Note("n".into())]);
        assert!(matches!(read("t", &cut).0, Verdict::Silent(_)));
        let both = sent(
            "t",
            &[Line::Start("a::b".into()), Line::Fail("x".into()), Line::Ok],
        );
        assert_eq!(read("t", &both).0, Verdict::Fail("x".into()));
    }
}
