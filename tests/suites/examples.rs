// SPDX-License-Identifier: GPL-2.0

//! The examples of the documentation for authors are patches that compile.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use molt_tests::host::kernel;

/// What an author uses, and the file that documents it.
const DOCUMENTED: [(&str, &str); 4] = [
    ("patch!", "macros/src/lib.rs"),
    ("Target", "src/api/target.rs"),
    ("Shadow", "src/edge/klp/shadow.rs"),
    ("State", "src/edge/mechanism/state.rs"),
];

/// The blocks of code behind `# Examples` in the documentation of items.
fn examples(text: &str) -> Vec<String> {
    let (mut examples, mut current, mut wanted) = (Vec::new(), None::<String>, false);
    for line in text.lines() {
        let Some(line) = line.trim_start().strip_prefix("///") else {
            wanted = false;
            continue;
        };
        let line = line.strip_prefix(' ').unwrap_or(line);
        if line == "# Examples" {
            wanted = true;
        } else if wanted && line.starts_with("```") {
            match current.take() {
                Some(example) => examples.push(example),
                None => current = Some(String::new()),
            }
        } else if let Some(example) = &mut current {
            example.push_str(line);
            example.push('\n');
        }
    }
    examples
}

fn compile(source: &Path) {
    let output = Command::new(kernel::checkout().join("tests/author/compile"))
        .arg(source)
        .output()
        .expect("the compiler can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", source.display());
    assert!(said.is_empty(), "{}: {said}", source.display());
}

#[test]
fn compile_without_a_warning() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    for (item, file) in DOCUMENTED {
        let text = fs::read_to_string(kernel::checkout().join(file)).expect(file);
        let examples = examples(&text);
        assert!(!examples.is_empty(), "{file} has no example of {item}");
        for (number, example) in examples.iter().enumerate() {
            let name: String = item.chars().filter(|c| c.is_alphanumeric()).collect();
            let source = folder.join(format!("example_{}_{number}.rs", name.to_lowercase()));
            let text = format!("//! An example of {item}.\n\n{example}");
            fs::write(&source, text).expect("it can be written");
            compile(&source);
        }
    }
}
