// SPDX-License-Identifier: GPL-2.0

use super::*;
use crate::btf::tests::Writer;
use crate::declaration::c;

const BINDINGS: &str = "pub struct seq_file {\npub struct irqreturn(pub ffi::c_uint);\n\
                        pub type gfp_t = ffi::c_uint;\npub struct pair {\n";
const SIGNED: u32 = 1;
const BOOLEAN: u32 = 4;

/// Builds a function with one parameter and spells that parameter.
fn parameter(build: impl FnOnce(&mut Writer) -> Id) -> Result<String, String> {
    spell(Style::Author, build).map(|(signature, _)| signature.parameters[0].1.clone())
}

/// The same, with the whole signature and the declaration in C.
fn spell(
    style: Style,
    build: impl FnOnce(&mut Writer) -> Id,
) -> Result<(Signature, String), String> {
    let mut writer = Writer::new();
    let kind = build(&mut writer);
    let prototype = writer.prototype(0, &[("p", kind)]);
    let btf = writer.read(None);
    let signature = rust(&btf, &Bindings::read(BINDINGS), prototype, style)?;
    Ok((signature, c(&btf, prototype, "f")))
}

#[test]
fn integers_are_those_of_the_ffi_crate() {
    for (name, size, encoding, expected) in [
        ("_Bool", 1, BOOLEAN, "bool"),
        ("char", 1, 0, "c_char"),
        ("signed char", 1, SIGNED, "c_schar"),
        ("unsigned char", 1, 0, "c_uchar"),
        ("short int", 2, SIGNED, "c_short"),
        ("int", 4, SIGNED, "c_int"),
        ("unsigned int", 4, 0, "c_uint"),
        ("long int", 8, SIGNED, "c_long"),
        ("long unsigned int", 8, 0, "c_ulong"),
        ("unsigned long", 8, 0, "c_ulong"),
        ("long long unsigned int", 8, 0, "c_ulonglong"),
        ("__int128 unsigned", 16, 0, "u128"),
    ] {
        let kind = parameter(|btf| btf.integer(name, size, encoding));
        assert_eq!(kind.as_deref(), Ok(expected), "{name}");
    }
}

#[test]
fn typedefs_are_kept_where_the_bindings_have_them() {
    let typedef = |name: &'static str| {
        parameter(move |btf| {
            let inner = btf.integer("unsigned int", 4, 0);
            btf.typedef(name, inner)
        })
        .unwrap()
    };
    assert_eq!(typedef("gfp_t"), "c::gfp_t");
    assert_eq!(typedef("unknown_t"), "c_uint");
    for (name, expected) in [
        ("u32", "u32"),
        ("__u32", "u32"),
        ("uint32_t", "u32"),
        ("s32", "i32"),
        ("__s32", "i32"),
    ] {
        assert_eq!(typedef(name), expected, "{name}");
    }
    assert_eq!(typedef("size_t"), "usize");
    assert_eq!(typedef("__kernel_ssize_t"), "isize");
}

#[test]
fn const_follows_c() {
    let kind = parameter(|btf| {
        let char = btf.integer("char", 1, 0);
        let char = btf.constant(char);
        btf.pointer(char)
    });
    assert_eq!(kind.as_deref(), Ok("*const c_char"));
    // `char *const` says nothing to the caller.
    let kind = parameter(|btf| {
        let char = btf.integer("char", 1, 0);
        let pointer = btf.pointer(char);
        btf.constant(pointer)
    });
    assert_eq!(kind.as_deref(), Ok("*mut c_char"));
    let kind = parameter(|btf| {
        let void = btf.constant(0);
        let pointer = btf.pointer(void);
        btf.pointer(pointer)
    });
    assert_eq!(kind.as_deref(), Ok("*mut *const c_void"));
}

#[test]
fn structs_behind_pointers_need_no_binding() {
    let pointer = |known: &'static str| {
        spell(Style::Author, move |btf| {
            let target = btf.forward(known);
            btf.pointer(target)
        })
        .unwrap()
        .0
    };
    let seq_file = pointer("seq_file");
    assert_eq!(seq_file.parameters[0].1, "*mut c::seq_file");
    assert!(seq_file.opaque.is_empty());
    let private = pointer("private");
    assert_eq!(private.parameters[0].1, "*mut c::private");
    assert!(private.opaque.contains("private"));
    assert_eq!(pointer("type").parameters[0].1, "*mut c::type_");
}

#[test]
fn structs_by_value_need_a_binding_of_the_same_size() {
    let value = |name: &'static str| {
        spell(Style::Qualified, move |btf| {
            let int = btf.integer("int", 4, SIGNED);
            btf.structure(name, 8, int)
        })
    };
    let (signature, _) = value("pair").unwrap();
    assert_eq!(signature.sizes.get("c::pair"), Some(&8));
    assert!(value("private").unwrap_err().contains("`private` by value"));
}

#[test]
fn an_anonymous_struct_has_the_name_of_its_typedef() {
    let pointer = |alias: &'static str| {
        spell(Style::Author, move |btf| {
            let int = btf.integer("int", 4, SIGNED);
            let mut target = btf.structure("", 4, int);
            if !alias.is_empty() {
                target = btf.typedef(alias, target);
            }
            btf.pointer(target)
        })
        .unwrap()
        .0
    };
    let named = pointer("atomic_t");
    assert_eq!(named.parameters[0].1, "*mut c::atomic_t");
    assert!(named.opaque.contains("atomic_t"));
    assert_eq!(pointer("").parameters[0].1, "*mut c_void");
}

#[test]
fn enums_are_what_bindgen_makes_of_them() {
    assert_eq!(
        parameter(|btf| btf.enumeration("irqreturn", 4)).as_deref(),
        Ok("c::irqreturn")
    );
    assert_eq!(
        parameter(|btf| btf.enumeration("other", 4)).as_deref(),
        Ok("c_uint")
    );
    assert_eq!(
        parameter(|btf| btf.enumeration("small", 1)).as_deref(),
        Ok("c_uchar")
    );
}

#[test]
fn functions_behind_pointers_may_be_null() {
    let (signature, c) = spell(Style::Author, |btf| {
        let int = btf.integer("int", 4, SIGNED);
        let callback = btf.prototype(int, &[("value", int)]);
        btf.pointer(callback)
    })
    .unwrap();
    assert_eq!(
        signature.parameters[0].1,
        "Option<unsafe extern \"C\" fn(c_int) -> c_int>"
    );
    assert_eq!(c, "void f(int (*p)(int value))");
}

#[test]
fn arrays_stand_behind_pointers_only() {
    let (signature, c) = spell(Style::Author, |btf| {
        let int = btf.integer("int", 4, SIGNED);
        let array = btf.array(int, 3);
        btf.pointer(array)
    })
    .unwrap();
    assert_eq!(signature.parameters[0].1, "*mut [c_int; 3]");
    assert_eq!(c, "void f(int (*p)[3])");
}

#[test]
fn what_rust_cannot_take_is_refused() {
    let float = parameter(|btf| btf.float("double", 8));
    assert!(float.unwrap_err().contains("floating point"));
}

#[test]
fn what_follows_in_any_number_is_spelled_out() {
    let mut writer = Writer::new();
    let prototype = writer.prototype(0, &[("", 0)]);
    let btf = writer.read(None);
    let variadic = rust(&btf, &Bindings::read(BINDINGS), prototype, Style::Author).unwrap();
    assert!(variadic.variadic);
    assert_eq!(variadic.pointer(), "unsafe extern \"C\" fn(...)");
}

#[test]
fn a_type_that_contains_itself_is_refused() {
    // Type 1 is a pointer to itself, type 2 a typedef of itself.
    assert!(parameter(|btf| btf.pointer(1))
        .unwrap_err()
        .contains("damaged"));
    assert!(parameter(|btf| btf.typedef("loop", 1))
        .unwrap_err()
        .contains("damaged"));
}

#[test]
fn a_head_is_ready_to_paste() {
    let mut writer = Writer::new();
    let int = writer.integer("int", 4, SIGNED);
    let file = writer.forward("seq_file");
    let file = writer.pointer(file);
    let void = writer.pointer(0);
    let prototype = writer.prototype(int, &[("m", file), ("type", void), ("", int)]);
    let btf = writer.read(None);
    let bindings = Bindings::read(BINDINGS);
    let signature = rust(&btf, &bindings, prototype, Style::Author).unwrap();
    assert_eq!(
        signature.head("show"),
        "unsafe extern \"C\" fn show(m: *mut c::seq_file, type_: *mut c_void, _: c_int) -> c_int"
    );
    let signature = rust(&btf, &bindings, prototype, Style::Qualified).unwrap();
    assert_eq!(
        signature.pointer(),
        "unsafe extern \"C\" fn(*mut c::seq_file, *mut ::kernel::ffi::c_void, \
         ::kernel::ffi::c_int) -> ::kernel::ffi::c_int"
    );
    assert_eq!(
        c(&btf, prototype, "show"),
        "int show(struct seq_file *m, void *type, int)"
    );
}
