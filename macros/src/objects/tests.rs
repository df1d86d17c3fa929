// SPDX-License-Identifier: GPL-2.0

use std::process::{self, Command};
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::btf::tests::Writer;
use crate::elf::tests::file;

/// A kernel in a folder of its own, which goes with it.
pub(crate) struct Built {
    pub(crate) kernel: Kernel,
    folder: PathBuf,
}

impl Built {
    pub(crate) fn new(btf: &Writer, bindings: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("molt-macros-{}-{number}", process::id()));
        fs::create_dir_all(folder.join("modules")).unwrap();
        fs::write(folder.join("vmlinux"), file(&[(".BTF", &btf.bytes())])).unwrap();
        fs::write(folder.join("bindings.rs"), bindings).unwrap();
        Built {
            kernel: Kernel {
                btf: folder.join("vmlinux"),
                modules: vec![folder.join("absent"), folder.join("modules")],
                bindings: folder.join("bindings.rs"),
                vmlinux: OnceCell::new(),
            },
            folder,
        }
    }

    pub(crate) fn add_module(&self, path: &str, content: &[u8]) {
        let path = self.folder.join("modules").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn functions(&self, object: &str) -> Vec<String> {
        let btf = self.kernel.object(object).unwrap();
        btf.functions().map(|(name, _)| name.into()).collect()
    }

    fn error(&self, object: &str) -> String {
        self.kernel.object(object).unwrap_err()
    }
}

impl Drop for Built {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn built() -> Built {
    Built::new(&with_function(Writer::new(), "in_kernel"), "")
}

fn with_function(mut btf: Writer, name: &str) -> Writer {
    let prototype = btf.prototype(0, &[]);
    btf.function(name, prototype);
    btf
}

/// The BTF of a module with one function.
fn module(built: &Built, function: &str) -> Vec<u8> {
    with_function(Writer::on(&built.kernel.vmlinux().unwrap()), function).bytes()
}

#[test]
fn vmlinux_is_read_from_elf() {
    assert_eq!(built().functions(VMLINUX), ["in_kernel"]);
}

#[test]
fn a_module_is_found_by_its_name_as_the_kernel_writes_it() {
    let built = built();
    let btf = module(&built, "in_module");
    built.add_module("kernel/sound/snd-hda.ko", &file(&[(".BTF", &btf)]));
    assert_eq!(built.functions("snd_hda"), ["in_module"]);
    assert!(built.error("snd").contains("no module `snd`"));
}

#[test]
fn btf_of_the_build_goes_before_a_finished_module() {
    let built = built();
    built.add_module("a.ko", &file(&[(".BTF", &module(&built, "finished"))]));
    built.add_module("a.btf", &module(&built, "building"));
    assert_eq!(built.functions("a"), ["building"]);
}

#[test]
fn a_module_may_bring_its_own_base() {
    let built = built();
    let own = with_function(Writer::new(), "not_of_the_module");
    let btf = with_function(Writer::on(&own.read(None)), "in_module").bytes();
    let content = file(&[(".BTF", &btf), (".BTF.base", &own.bytes())]);
    built.add_module("a.ko", &content);
    assert_eq!(built.functions("a"), ["in_module"]);
}

#[test]
fn a_compressed_module_is_unpacked() {
    let built = built();
    built.add_module("a.ko", &file(&[(".BTF", &module(&built, "in_module"))]));
    let gzip = Command::new("gzip")
        .arg(built.folder.join("modules/a.ko"))
        .status();
    assert!(gzip.unwrap().success());
    assert_eq!(built.functions("a"), ["in_module"]);
    built.add_module("b.ko.gz", b"not gzip");
    assert!(built.error("b").contains("gzip"));
}

#[test]
fn what_has_no_btf_is_named() {
    let built = built();
    built.add_module("a.ko", &file(&[(".text", b"code")]));
    assert!(built.error("a").contains("no .BTF section"));
    built.add_module("b.ko", b"\x7fELF");
    assert!(built.error("b").contains("b.ko"));
}

#[test]
fn btf_of_a_module_is_no_kernel() {
    let mut built = built();
    let btf = module(&built, "in_module");
    built.add_module("a.btf", &btf);
    built.kernel.btf = built.folder.join("modules/a.btf");
    built.kernel.vmlinux = OnceCell::new();
    assert!(built.error(VMLINUX).contains("is that of a module"));
    built.kernel.btf = built.folder.join("nothing");
    assert!(built.error(VMLINUX).contains("MOLT_BTF"));
}
