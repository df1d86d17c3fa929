// SPDX-License-Identifier: GPL-2.0

//! Finds the BTF of the kernel and of its modules, and what Rust has of its types.

use std::cell::OnceCell;
use std::env;
use std::fs;
use std::path::PathBuf;
use std::rc::Rc;

use crate::bindings::Bindings;
use crate::btf::Btf;
use crate::elf;
use crate::module_file::ModuleFile;

/// The kernel itself, as an object.
pub(crate) const VMLINUX: &str = "vmlinux";

/// The kernel that the patch is built for.
pub(crate) struct Kernel {
    btf: PathBuf,
    modules: Vec<PathBuf>,
    bindings: PathBuf,
    vmlinux: OnceCell<Rc<Btf>>,
}

impl Kernel {
    /// The kernel that Kbuild names: `OBJTREE` is its build tree; `MOLT_BTF` says where its BTF is
    /// if not in the `vmlinux` there; `MOLT_BTF_MODULES` lists folders with modules.
    pub(crate) fn from_environment() -> Result<Self, String> {
        let tree = env::var_os("OBJTREE")
            .map(PathBuf::from)
            .ok_or("OBJTREE is not set: `patch!` needs the kernel's build system")?;
        let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
        Ok(Kernel {
            btf: set("MOLT_BTF").map_or_else(|| tree.join("vmlinux"), PathBuf::from),
            modules: set("MOLT_BTF_MODULES")
                .map(|list| env::split_paths(&list).collect())
                .unwrap_or_default(),
            bindings: tree.join("rust/bindings/bindings_generated.rs"),
            vmlinux: OnceCell::new(),
        })
    }

    /// The types the `kernel` crate has.
    pub(crate) fn bindings(&self) -> Result<Bindings, String> {
        let source = fs::read_to_string(&self.bindings).map_err(|error| {
            format!(
                "cannot read the kernel's bindings `{}`: {error}",
                self.bindings.display()
            )
        })?;
        Ok(Bindings::read(&source))
    }

    /// The types and functions of `vmlinux` or of a module.
    pub(crate) fn object(&self, name: &str) -> Result<Rc<Btf>, String> {
        match name {
            VMLINUX => self.vmlinux(),
            _ => self.module(name),
        }
    }

    fn vmlinux(&self) -> Result<Rc<Btf>, String> {
        if let Some(btf) = self.vmlinux.get() {
            return Ok(Rc::clone(btf));
        }
        let about = |error: String| {
            format!(
                "no BTF of the kernel: `{}`: {error}; MOLT_BTF names the kernel's vmlinux",
                self.btf.display()
            )
        };
        let file = fs::read(&self.btf).map_err(|error| about(error.to_string()))?;
        let btf = Rc::new(read(&file, || Err("is that of a module".into())).map_err(about)?);
        Ok(Rc::clone(self.vmlinux.get_or_init(|| btf)))
    }

    fn module(&self, name: &str) -> Result<Rc<Btf>, String> {
        // The BTF alone comes before a module that has it.
        let found = self
            .modules
            .iter()
            .find_map(|folder| ModuleFile::find(folder, name, &["btf"]))
            .ok_or_else(|| {
                format!(
                    "no module `{name}` in the folders of MOLT_BTF_MODULES ({})",
                    env::join_paths(&self.modules)
                        .unwrap_or_default()
                        .to_string_lossy()
                )
            })?;
        found
            .read()
            .and_then(|file| read(&file, || self.vmlinux()))
            .map(Rc::new)
            .map_err(|error| {
                format!(
                    "no BTF of the module `{name}`: `{}`: {error}",
                    found.path.display()
                )
            })
    }
}

/// Reads the BTF of an ELF file, or of a file that holds nothing else. `base` is asked for what it
/// builds on, unless the file itself contains that.
fn read(file: &[u8], base: impl FnOnce() -> Result<Rc<Btf>, String>) -> Result<Btf, String> {
    if !elf::is_elf(file) {
        return Btf::read(file, base_if_split(file, base)?);
    }
    let data = elf::section(file, ".BTF")?
        .ok_or("the file has no .BTF section: it was built without CONFIG_DEBUG_INFO_BTF")?;
    // A module that was built outside the kernel's tree carries the part of the base it needs.
    let base = match elf::section(file, ".BTF.base")? {
        Some(own) => Some(Rc::new(Btf::read(own, None)?)),
        None => base_if_split(data, base)?,
    };
    Btf::read(data, base)
}

fn base_if_split(
    data: &[u8],
    base: impl FnOnce() -> Result<Rc<Btf>, String>,
) -> Result<Option<Rc<Btf>>, String> {
    if Btf::is_split(data) {
        base().map(Some)
    } else {
        Ok(None)
    }
}

#[cfg(test)]
pub(crate) mod tests;
