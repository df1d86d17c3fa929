// SPDX-License-Identifier: GPL-2.0

use super::*;

fn parse(objects: &str) -> Result<Patch> {
    syn::parse_str(&format!("description: \"d\", license: \"GPL\", {objects}"))
}

fn error(source: &str) -> String {
    match syn::parse_str::<Patch>(source) {
        Ok(_) => panic!("{source} was accepted"),
        Err(error) => error.to_string(),
    }
}

fn object_error(objects: &str) -> String {
    error(&format!("description: \"d\", license: \"GPL\", {objects}"))
}

#[test]
fn a_full_patch() {
    let patch = parse(
        "author: \"a\", vmlinux: { foo => new_foo, bar[2] => inner::bar, try => try_, baz }, \
         \"8021q\": { \"foo.isra.0\": unsafe extern \"C\" fn(u8) => foo }",
    )
    .unwrap();
    assert_eq!(patch.description.value(), "d");
    assert!(patch.author.is_some());
    let names: Vec<_> = patch
        .objects
        .iter()
        .map(|object| object.name.text.as_str())
        .collect();
    assert_eq!(names, ["vmlinux", "8021q"]);
    let functions: Vec<_> = patch.objects[0]
        .functions
        .iter()
        .map(|line| {
            (
                line.name.text.as_str(),
                line.position,
                line.replacement.is_some(),
            )
        })
        .collect();
    assert_eq!(
        functions,
        [
            ("foo", 0, true),
            ("bar", 2, true),
            ("try", 0, true),
            ("baz", 0, false)
        ]
    );
    assert!(patch.objects[1].functions[0].prototype.is_some());
}

#[test]
fn fields_may_come_in_any_order_and_commas_may_end_lists() {
    let source = "vmlinux: { foo => foo, }, license: \"GPL\", description: \"d\",";
    assert!(syn::parse_str::<Patch>(source).is_ok());
}

#[test]
fn what_is_missing_is_named() {
    let object = "vmlinux: { foo => foo }";
    assert!(error(&format!("description: \"d\", {object}")).contains("license"));
    assert!(error(&format!("license: \"GPL\", {object}")).contains("description"));
    assert!(error("description: \"d\", license: \"GPL\"").contains("no object"));
    assert!(object_error("vmlinux: {}").contains("nothing of `vmlinux`"));
}

#[test]
fn the_license_must_be_compatible() {
    let source = "description: \"d\", license: \"MIT\", vmlinux: { foo => foo }";
    assert!(error(source).contains("GPL"));
}

#[test]
fn nothing_is_given_twice() {
    assert!(object_error("vmlinux: { foo => a, foo => b }").contains("replaced twice"));
    assert!(object_error("vmlinux: { foo[1] => a, foo[1] => b }").contains("replaced twice"));
    assert!(object_error("vmlinux: { foo => a, foo[1] => b }").contains("with a position"));
    assert!(parse("vmlinux: { foo[1] => a, foo[2] => b }").is_ok());
    assert!(object_error("vmlinux: { foo => a }, vmlinux: { bar => b }").contains("twice"));
    assert!(object_error("license: \"GPL\", vmlinux: { foo => a }").contains("twice"));
}

#[test]
fn positions_count_from_one() {
    assert!(object_error("vmlinux: { foo[0] => a }").contains("from 1"));
    assert!(parse("vmlinux: { foo[1, 2] => a }").is_err());
    assert!(parse("vmlinux: { foo[-1] => a }").is_err());
}

#[test]
fn a_prototype_is_one_of_c() {
    assert!(object_error("vmlinux: { foo: fn(u8) => a }").contains("unsafe extern"));
    assert!(object_error("vmlinux: { foo: unsafe extern \"Rust\" fn() => a }").contains("unsafe"));
    assert!(object_error("vmlinux: { foo: extern \"C\" fn() => a }").contains("unsafe extern"));
}

#[test]
fn unknown_fields_and_odd_names_are_refused() {
    assert!(object_error("autor: \"me\", vmlinux: { foo => a }").contains("`autor`"));
    assert!(object_error("vmlinux: { \"a b\" => a }").contains("visible"));
    assert!(object_error("vmlinux: { \"\" => a }").contains("visible"));
    assert!(error("description: \"a\\0b\", license: \"GPL\", vmlinux: { a => b }").contains("NUL"));
}
