// SPDX-License-Identifier: GPL-2.0

//! What the built core must not contain: a panic that the ftrace handler or the stop window can
//! reach. rustc adds panics silently (a sum, an index), so the machine code is asked.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::process::Command;

/// Which functions call which, as far as the disassembly shows: direct calls and jumps.
#[derive(Default)]
struct Calls {
    /// Start of each function by section and address.
    starts: BTreeMap<(String, u64), String>,
    /// What each function names: symbols, and places in sections.
    targets: HashMap<String, Vec<Target>>,
}

enum Target {
    Symbol(String),
    Place(String, u64),
}

impl Calls {
    /// Reads the output of `objdump -dr`.
    fn read(text: &str) -> Self {
        let mut calls = Self::default();
        let (mut section, mut function) = (String::new(), String::new());
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("Disassembly of section ") {
                section = name.trim_end_matches(':').to_string();
            } else if let Some((address, name)) = header(line) {
                calls
                    .starts
                    .insert((section.clone(), address), name.clone());
                function = name;
            } else if let Some(target) = relocation(line).or_else(|| jump(line)) {
                calls
                    .targets
                    .entry(function.clone())
                    .or_default()
                    .push(target);
            }
        }
        calls
    }

    /// The name of what is at `target`: the function that holds the place.
    fn name<'a>(&'a self, target: &'a Target) -> Option<&'a str> {
        match target {
            Target::Symbol(name) => Some(name),
            Target::Place(section, address) => self
                .starts
                .range((section.clone(), 0)..=(section.clone(), *address))
                .next_back()
                .map(|(_, name)| name.as_str()),
        }
    }

    /// Everything that can be reached from the functions whose name contains `root`, each with the
    /// function that leads there.
    fn reachable(&self, root: &str) -> HashMap<&str, &str> {
        let mut open: Vec<&str> = self
            .starts
            .values()
            .map(String::as_str)
            .filter(|name| name.contains(root) && !name.starts_with("__pfx_"))
            .collect();
        assert!(!open.is_empty(), "the core has no function {root}");
        let mut seen: HashSet<&str> = open.iter().copied().collect();
        let mut from = HashMap::new();
        while let Some(function) = open.pop() {
            for target in self.targets.get(function).into_iter().flatten() {
                let Some(name) = self.name(target) else {
                    continue;
                };
                if seen.insert(name) {
                    from.insert(name, function);
                    open.push(name);
                }
            }
        }
        from
    }
}

/// `0000000000001234 <name>:`
fn header(line: &str) -> Option<(u64, String)> {
    let (address, rest) = line.split_once(" <")?;
    let address = u64::from_str_radix(address, 16).ok()?;
    Some((address, rest.strip_suffix(">:")?.to_string()))
}

/// `1234: R_X86_64_PLT32  name-0x4`, or `.section+0x1230` for what has no symbol of its own.
fn relocation(line: &str) -> Option<Target> {
    let (_, rest) = line.split_once("R_X86_64_P")?;
    let target = rest.split_whitespace().nth(1)?;
    if let Some((section, offset)) = target.split_once("+0x") {
        let offset = u64::from_str_radix(offset, 16).ok()?;
        // The field is relative to its own end.
        return Some(Target::Place(section.to_string(), offset + 4));
    }
    Some(Target::Symbol(target.split("-0x").next()?.to_string()))
}

/// `call 1234 <name+0x10>`: a target in the same section.
fn jump(line: &str) -> Option<Target> {
    let (_, code) = line.split_once(":\t")?;
    let code = code.trim();
    if !(code.starts_with("call") || code.starts_with('j')) {
        return None;
    }
    let name = code.rsplit_once('<')?.1.trim_end_matches('>');
    Some(Target::Symbol(name.split("+0x").next()?.to_string()))
}

/// The disassembly of `molt.ko`.
fn core() -> Calls {
    let built = std::env::var("MOLT_OUT").expect("`make test` sets MOLT_OUT");
    let output = Command::new("objdump")
        .args(["-dr", "--no-show-raw-insn"])
        .arg(format!("{built}/molt.ko"))
        .output()
        .expect("objdump can be started");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Calls::read(&String::from_utf8_lossy(&output.stdout))
}

/// Fails when a panic can be reached from `root`, and says by which way.
fn assert_cannot_panic(root: &str) {
    let calls = core();
    let from = calls.reachable(root);
    if let Some(name) = from.keys().find(|name| name.contains("panic")) {
        let mut way = vec![*name];
        while let Some(caller) = way.last().and_then(|name| from.get(name)) {
            way.push(caller);
        }
        panic!("{root} can panic: {}", way.join(" <- "));
    }
}

#[test]
fn the_handler_cannot_panic() {
    assert_cannot_panic("9mechanism7handler8redirect");
    assert_cannot_panic("9mechanism7handler11look_closer");
}

/// What the scheduler and a fork call during a transition.
#[test]
fn the_probes_cannot_panic() {
    assert_cannot_panic("11task_probes8switched");
    assert_cannot_panic("11task_probes6forked");
    assert_cannot_panic("9mechanism8recorder8switched");
    assert_cannot_panic("9Migration11try_current");
}

#[test]
fn the_stop_window_cannot_panic() {
    assert_cannot_panic("6kernel4stop12stop_machine3run");
    // Looks at a stack on its own account; inlined or not.
    assert_cannot_panic("5Judge7look_at");
    assert_cannot_panic("4Scan6verify");
}

/// The search finds panics where there are some, or the tests above prove nothing.
#[test]
fn a_request_can_panic() {
    let calls = core();
    let from = calls.reachable("7request");
    assert!(from.keys().any(|name| name.contains("panic")));
}
