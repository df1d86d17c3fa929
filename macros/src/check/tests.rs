// SPDX-License-Identifier: GPL-2.0

use super::*;
use crate::btf::tests::Writer;
use crate::objects::tests::Built;

/// A kernel with `int show(struct seq_file *m)`, `void print(...)`, two functions `twin` that
/// differ, and `void private(struct private *)`.
fn built() -> Built {
    let mut btf = Writer::new();
    let int = btf.integer("int", 4, 1);
    let file = btf.forward("seq_file");
    let file = btf.pointer(file);
    let show = btf.prototype(int, &[("m", file)]);
    btf.function("show", show);
    let print = btf.prototype(0, &[("", 0)]);
    btf.function("print", print);
    btf.function("twin", show);
    let other = btf.prototype(int, &[]);
    btf.function("twin", other);
    let private = btf.forward("private");
    let private = btf.pointer(private);
    let takes_private = btf.prototype(0, &[("", private)]);
    btf.function("private", takes_private);
    for (name, parameters) in [
        ("__do_sys_plain", &["registers"][..]),
        ("__x64_sys_kill", &["registers"]),
        ("__ia32_sys_kill", &["registers"]),
        ("__x64_sys_write", &["registers"]),
        ("__do_sys_write", &["int", "int"]),
    ] {
        let registers = btf.forward("pt_regs");
        let registers = btf.constant(registers);
        let registers = btf.pointer(registers);
        let parameters: Vec<_> = parameters
            .iter()
            .map(|kind| ("p", if *kind == "int" { int } else { registers }))
            .collect();
        let prototype = btf.prototype(int, &parameters);
        btf.function(name, prototype);
    }
    Built::new(&btf, "pub struct seq_file {\npub struct pt_regs {\n")
}

fn checked(objects: &str) -> Result<Checks> {
    let patch = format!("description: \"d\", license: \"GPL\", {objects}");
    check(&mut syn::parse_str(&patch).unwrap(), &built().kernel)
}

fn errors(objects: &str) -> Vec<String> {
    match checked(objects) {
        Ok(_) => panic!("{objects} was accepted"),
        Err(error) => error.into_iter().map(|error| error.to_string()).collect(),
    }
}

fn items(objects: &str) -> String {
    checked(objects).unwrap().items.to_string()
}

#[test]
fn the_type_of_the_kernel_is_demanded() {
    let expected: TokenStream = "const _: () = {
            let _: unsafe extern \"C\" fn(*mut c::seq_file) -> ::kernel::ffi::c_int = my::show;
        };"
    .parse()
    .unwrap();
    assert_eq!(items("vmlinux: { show => my::show }"), expected.to_string());
}

#[test]
fn a_stated_prototype_is_demanded_too() {
    let stated = "unsafe extern \"C\" fn(u8)";
    let both = items(&format!("vmlinux: {{ show: {stated} => show }}"));
    assert_eq!(both.matches("let _").count(), 2);
    let alone = items(&format!("vmlinux: {{ unknown: {stated} => show }}"));
    assert_eq!(alone.matches("let _").count(), 1);
    assert!(checked(&format!("no_module: {{ show: {stated} => show }}")).is_ok());
}

#[test]
fn every_error_is_reported() {
    let errors = errors("vmlinux: { shwo => a, print => b }, no_module: { c => c }");
    let [unknown, variadic, module] = &errors[..] else {
        panic!("{errors:?}")
    };
    assert!(unknown.contains("no function `shwo`") && unknown.contains("similar names: show"));
    assert!(variadic.contains("variable number") && variadic.contains("void print(...)"));
    assert!(module.contains("no module `no_module`"));
}

#[test]
fn without_a_replacement_the_prototype_is_told() {
    let error = &errors("vmlinux: { show }")[0];
    assert!(error.contains("int show(struct seq_file *m)"));
    assert!(error.contains("unsafe extern \"C\" fn show(m: *mut c::seq_file) -> c_int"));
}

#[test]
fn one_name_with_two_prototypes_needs_a_word() {
    let error = &errors("vmlinux: { twin[2] => a }")[0];
    assert!(error.contains("int twin(struct seq_file *m)") && error.contains("int twin(void)"));
    let stated = "vmlinux: { twin[2]: unsafe extern \"C\" fn() -> c_int => a }";
    assert_eq!(items(stated).matches("let _").count(), 1);
}

#[test]
fn what_the_bindings_lack_is_declared() {
    let opaque = checked("vmlinux: { private => a, show => b }")
        .unwrap()
        .opaque;
    assert_eq!(opaque.iter().collect::<Vec<_>>(), ["private"]);
    let types = types(&opaque).to_string();
    assert!(types.contains("pub struct private"));
}

#[test]
fn a_private_function_has_the_kernels_prototype() {
    let items = items("vmlinux: { show => a, extern fn show as old, extern fn print }");
    for part in [
        "# [link_name = \".klp.sym.vmlinux.show,0\"] \
         pub (crate) fn old (m : * mut c :: seq_file) -> :: kernel :: ffi :: c_int ;",
        "# [link_name = \".klp.sym.vmlinux.print,0\"] pub (crate) fn print (...) ;",
    ] {
        assert!(items.contains(part), "{items}");
    }
}

#[test]
fn a_stated_private_function_is_compared() {
    let stated = "unsafe extern \"C\" fn(n: u8, *mut u8)";
    let known = items(&format!(
        "vmlinux: {{ show => a, extern fn show as b: {stated} }}"
    ));
    assert!(known.contains("fn b (n : u8 , _ : * mut u8)"), "{known}");
    assert_eq!(known.matches("let _").count(), 2);
    let unknown = items(&format!("vmlinux: {{ show => a, extern fn c: {stated} }}"));
    assert_eq!(unknown.matches("let _").count(), 1);
    assert!(checked(&format!("m: {{ f: {stated} => a, extern fn c: {stated} }}")).is_ok());
}

#[test]
fn a_private_function_must_be_known() {
    let errors = errors("vmlinux: { show => a, extern fn shwo, extern fn twin }");
    assert!(
        errors[0].contains("no function `shwo`") && errors[0].contains("`extern fn shwo: unsafe")
    );
    assert!(errors[1].contains("`extern fn twin[position]: unsafe"));
}

#[test]
fn a_private_variable_is_what_the_author_says() {
    let items = items("vmlinux: { show => a, extern static mut x[3]: [u8; 2] }");
    assert!(items.contains(".klp.sym.vmlinux.x,3"), "{items}");
    assert!(
        items.contains("pub (crate) static mut x : [u8 ; 2] ;"),
        "{items}"
    );
}

/// The functions that the system calls of a patch become.
fn entries(objects: &str) -> (Vec<String>, String) {
    let source = format!("description: \"d\", license: \"GPL\", {objects}");
    let mut patch = syn::parse_str(&source).unwrap();
    let checks = check(&mut patch, &built().kernel).unwrap();
    let functions = patch.objects[0].functions.iter();
    let functions = functions.map(|function| function.name.text.clone());
    (functions.collect(), checks.items.to_string())
}

#[test]
fn a_system_call_has_the_entries_of_this_kernel() {
    let (functions, items) =
        entries("vmlinux: { syscall kill: fn(pid: c_int, sig: c_int) -> c_long => a }");
    assert_eq!(functions, ["__x64_sys_kill", "__ia32_sys_kill"]);
    for part in [
        "native (unsafe { (* registers) . di })",
        "native (unsafe { (* registers) . si })",
        "compat (unsafe { (* registers) . bx })",
        "compat (unsafe { (* registers) . cx })",
    ] {
        assert!(items.contains(part), "{items}");
    }
    assert!(!items.contains("dx"), "{items}");
    // Without programs of 32 bits there is one.
    let (functions, _) = entries("vmlinux: { syscall write: fn(c_int, c_int) -> c_int => a }");
    assert_eq!(functions, ["__x64_sys_write"]);
    let (functions, _) = entries("vmlinux: { syscall plain: fn() -> c_long => a }");
    assert_eq!(functions, ["__do_sys_plain"]);
}

#[test]
fn a_body_in_btf_tells_the_arguments() {
    let known = items("vmlinux: { syscall write: fn(c_int, c_int) -> c_int => a }");
    assert!(known.contains("Option < unsafe extern \"C\" fn"), "{known}");
    let unknown = items("vmlinux: { syscall kill: fn(c_int, c_int) -> c_long => a }");
    assert!(!unknown.contains("Option <"), "{unknown}");
}

#[test]
fn system_calls_that_are_not_so() {
    let errors = errors(
        "vmlinux: { syscall plain: fn(c_int) -> c_long => a, syscall kill: fn() -> c_long => a, \
         syscall kil: fn(c_int) -> c_long => a, __x64_sys_write => b, \
         syscall write: fn(c_int, c_int) -> c_int => a }",
    );
    let [without, with, unknown, twice] = &errors[..] else {
        panic!("{errors:?}")
    };
    assert!(without.contains("`plain` has no arguments"));
    assert!(with.contains("`kill` has arguments"));
    assert!(unknown.contains("no system call `kil`") && unknown.contains("similar names: kill"));
    assert!(twice.contains("`__x64_sys_write` is replaced twice"));
}
