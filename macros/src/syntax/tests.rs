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

#[test]
fn the_patch_as_a_whole() {
    let patch = parse("replace: true, states: [A, b::B,], vmlinux: { foo => a }").unwrap();
    assert!(patch.replace);
    assert_eq!(patch.states.len(), 2);
    assert!(
        !parse("replace: false, vmlinux: { foo => a }")
            .unwrap()
            .replace
    );
    assert!(!parse("vmlinux: { foo => a }").unwrap().replace);
    let model = |text: &str| {
        parse(text)
            .unwrap()
            .consistency
            .map(|model| model.to_string())
    };
    assert_eq!(model("vmlinux: { foo => a }"), None);
    for known in ["stop_machine", "per_task", "auto"] {
        let text = format!("consistency: {known}, vmlinux: {{ foo => a }}");
        assert_eq!(model(&text).as_deref(), Some(known));
    }
    for unknown in ["per_thread", "\"auto\"", "1"] {
        assert!(parse(&format!("consistency: {unknown}, vmlinux: {{ foo => a }}")).is_err());
    }
    assert!(object_error("replace: 1, vmlinux: { foo => a }").contains("boolean"));
    assert!(object_error("replace: true, replace: true, vmlinux: { foo => a }").contains("twice"));
    assert!(object_error("states: [A, A], vmlinux: { foo => a }").contains("`A` is given twice"));
}

#[test]
fn words_are_names_where_no_name_follows() {
    let patch = parse(
        "vmlinux: { force => a, syscall[2] => b, callbacks => c, force force => d, \
         force syscall[3] => e }",
    );
    let error = patch.err().unwrap().to_string();
    assert!(error.contains("`force` is replaced twice"), "{error}");
    let patch =
        parse("vmlinux: { syscall[2] => b, callbacks => c, force syscall[3] => e }").unwrap();
    let forced: Vec<_> = patch.objects[0]
        .functions
        .iter()
        .map(|line| (line.name.text.as_str(), line.forced))
        .collect();
    assert_eq!(
        forced,
        [("syscall", false), ("callbacks", false), ("syscall", true)]
    );
}

#[test]
fn force_is_for_functions() {
    assert!(object_error("vmlinux: { force force foo => a }").contains("`force` is given twice"));
    assert!(object_error("vmlinux: { force syscall kill => a }").contains("cannot be forced"));
    assert!(object_error("vmlinux: { force extern fn foo }").contains("needs no `force`"));
    assert!(object_error("vmlinux: { force odd foo => a }").contains("`force odd`"));
    assert!(object_error("vmlinux: { forced foo => a }").contains("`forced` means nothing"));
}

#[test]
fn callbacks_are_four() {
    let patch = parse("m: { callbacks { post_unpatch: a::undo, pre_patch: check, } }").unwrap();
    let given = &patch.objects[0].callbacks.as_ref().unwrap().given;
    let given: Vec<_> = given.iter().map(Option::is_some).collect();
    assert_eq!(given, [true, false, false, true]);
    let error = |inner: &str| object_error(&format!("m: {{ foo => a, {inner} }}"));
    assert!(error("callbacks { before: a }").contains("`before` is no callback"));
    assert!(
        error("callbacks { pre_patch: a, pre_patch: b }").contains("`pre_patch` is given twice")
    );
    assert!(
        error("callbacks { pre_patch: a }, callbacks { pre_patch: a }").contains("`callbacks`")
    );
    assert!(error("callbacks {}").contains("no callback"));
}

#[test]
fn private_symbols_are_declared() {
    let patch = parse(
        "vmlinux: { foo => a, extern fn helper, extern fn twin[2] as other, \
         extern fn \"a.isra.0\" as b: unsafe extern \"C\" fn(u8), extern static x: u8, \
         extern static mut y[1] as z: [u8; 4] }",
    )
    .unwrap();
    let object = &patch.objects[0];
    let seen: Vec<_> = object
        .privates
        .iter()
        .map(|line| (line.symbol(object), line.local.to_string()))
        .collect();
    let expected = [
        ("helper,0", "helper"),
        ("twin,2", "other"),
        ("a.isra.0,0", "b"),
        ("x,0", "x"),
        ("y,1", "z"),
    ];
    let expected =
        expected.map(|(name, local)| (format!(".klp.sym.vmlinux.{name}"), local.to_owned()));
    assert_eq!(seen, expected);
    assert!(matches!(
        object.privates[4].kind,
        Kind::Static { mutable: true, .. }
    ));
}

#[test]
fn private_symbols_that_are_none() {
    let error = |inner: &str| object_error(&format!("vmlinux: {{ foo => a, {inner} }}"));
    assert!(error("extern foo").contains("`extern` stands before"));
    assert!(error("extern struct foo").contains("`extern` stands before"));
    assert!(error("extern fn foo => a").contains("not replaced"));
    assert!(error("extern static foo").contains("the type of `foo` is missing"));
    assert!(error("extern fn foo: fn(u8)").contains("unsafe extern"));
    assert!(error("extern fn foo[0]").contains("from 1"));
    assert!(error("extern fn \"a.b\"").contains("`as local_name`"));
    assert!(error("extern fn loop").contains("`as local_name`"));
    assert!(error("extern fn \"a,b\" as c").contains("comma"));
    assert!(error("extern fn b, extern static b: u8").contains("two private symbols"));
    let twice = "vmlinux: { foo => a, extern fn b }, m: { bar => c, extern fn d as b }";
    assert!(object_error(twice).contains("two private symbols"));
    assert!(object_error("vmlinux: { extern fn b }").contains("no object with functions"));
    assert!(object_error("\"a.b\": { foo => a, extern fn c }").contains("an object named `a.b`"));
    assert!(parse("vmlinux: { extern fn b }, m: { bar => c }").is_ok());
}

#[test]
fn system_calls_have_arguments_of_rust() {
    let patch = parse(
        "vmlinux: { syscall kill: fn(pid: c_int, c_int) -> c_long => a, \
         syscall getpid: unsafe fn() -> c_long => b }",
    )
    .unwrap();
    let calls: Vec<_> = patch.objects[0]
        .syscalls
        .iter()
        .map(|call| (call.name.text.as_str(), call.prototype.inputs.len()))
        .collect();
    assert_eq!(calls, [("kill", 2), ("getpid", 0)]);
    let error = |inner: &str| object_error(&format!("vmlinux: {{ {inner} }}"));
    assert!(error("syscall kill => a").contains("arguments of the system call are missing"));
    assert!(error("syscall kill: fn() -> c_long").contains("has no replacement"));
    assert!(error("syscall kill[1]: fn() -> c_long => a").contains("no position"));
    assert!(error("syscall kill: extern \"C\" fn() => a").contains("function of Rust"));
    assert!(error("syscall k: fn(u8,u8,u8,u8,u8,u8,u8) => a").contains("more than 6"));
    assert!(error("syscall \"a.b\": fn() => a").contains("__x64_sys_"));
    assert!(object_error("m: { syscall a: fn() => a }").contains("they are in `vmlinux`"));
}
