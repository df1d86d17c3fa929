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
    Built::new(&btf, "pub struct seq_file {\n")
}

fn checked(objects: &str) -> Result<Checks> {
    let patch = format!("description: \"d\", license: \"GPL\", {objects}");
    check(&syn::parse_str(&patch).unwrap(), &built().kernel)
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
