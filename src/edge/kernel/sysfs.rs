// SPDX-License-Identifier: GPL-2.0

//! Directories and files of sysfs: a kobject with a Rust value behind it.
//!
//! C header: [`include/linux/sysfs.h`](srctree/include/linux/sysfs.h)

use crate::edge::{
    bindings,
    kernel::completion::Completion, //
};
use core::marker::PhantomPinned;
use kernel::{
    container_of,
    error::{
        from_result,
        to_result, //
    },
    ffi,
    fmt,
    prelude::*,
    str::CStr,
    types::Opaque, //
};

/// What stands behind a directory.
pub(crate) trait Directory: Sized + Send + Sync + 'static {
    /// The files in it.
    const FILES: &'static [File<Self>];

    /// Whether one of them has this name, which no folder in it can have then.
    fn has_file(name: &CStr) -> bool {
        Self::FILES.iter().any(|file| file.name == name)
    }
}

/// One file: a name, and what reading and writing it do.
///
/// `show` and `store` run in process context and may sleep; removing the directory waits for them.
#[repr(C)]
pub(crate) struct File<T> {
    raw: bindings::attribute,
    show: fn(&T, &mut Page<'_>) -> fmt::Result,
    store: Option<fn(&T, &[u8]) -> Result>,
    name: &'static CStr,
}

// SAFETY: the raw attribute holds a pointer to a static string and is never written.
unsafe impl<T> Sync for File<T> {}

impl<T> File<T> {
    /// A file everybody may read.
    pub(crate) const fn readable(
        name: &'static CStr,
        show: fn(&T, &mut Page<'_>) -> fmt::Result,
    ) -> Self {
        Self::new(name, 0o444, show, None)
    }

    /// A file only root may read: it tells addresses of the kernel, or what other tasks do.
    pub(crate) const fn private(
        name: &'static CStr,
        show: fn(&T, &mut Page<'_>) -> fmt::Result,
    ) -> Self {
        Self::new(name, 0o400, show, None)
    }

    /// A file everybody may read and root may write.
    pub(crate) const fn writable(
        name: &'static CStr,
        show: fn(&T, &mut Page<'_>) -> fmt::Result,
        store: fn(&T, &[u8]) -> Result,
    ) -> Self {
        Self::new(name, 0o644, show, Some(store))
    }

    /// A file that root may write and nobody read.
    pub(crate) const fn writing(name: &'static CStr, store: fn(&T, &[u8]) -> Result) -> Self {
        Self::new(name, 0o200, |_, _| Ok(()), Some(store))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the kernel's `as_char_ptr` is not const; the cast does what it does"
    )]
    const fn new(
        name: &'static CStr,
        mode: bindings::umode_t,
        show: fn(&T, &mut Page<'_>) -> fmt::Result,
        store: Option<fn(&T, &[u8]) -> Result>,
    ) -> Self {
        Self {
            raw: bindings::attribute {
                name: name.as_ptr().cast(),
                mode,
            },
            show,
            store,
            name,
        }
    }
}

/// The page that a read returns; what does not fit is cut off at a line's end by the writer's
/// error.
pub(crate) struct Page<'a> {
    bytes: &'a mut [u8],
    used: usize,
}

impl fmt::Write for Page<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.used.checked_add(text.len()).ok_or(fmt::Error)?;
        let free = self.bytes.get_mut(self.used..end).ok_or(fmt::Error)?;
        free.copy_from_slice(text.as_bytes());
        self.used = end;
        Ok(())
    }
}

/// Where a directory is made.
#[derive(Clone, Copy)]
pub(crate) struct Parent<'a>(*mut bindings::kobject, core::marker::PhantomData<&'a ()>);

impl Parent<'static> {
    /// `/sys/kernel`.
    pub(crate) fn kernel() -> Self {
        // SAFETY: set at boot and never freed.
        Self(unsafe { bindings::kernel_kobj }, core::marker::PhantomData)
    }
}

#[repr(C)]
#[pin_data]
struct Node<T> {
    #[pin]
    raw: Opaque<bindings::kobject>,
    #[pin]
    released: Completion,
    data: T,
    #[pin]
    _pinned: PhantomPinned,
}

/// A directory in sysfs; dropping it removes it, after readers and writers have left.
///
/// # Invariants
///
/// The node's kobject is initialised and has been added.
pub(crate) struct Dir<T: Directory>(Pin<KBox<Node<T>>>);

// SAFETY: the kobject synchronises itself, `T` is `Send`.
unsafe impl<T: Directory> Send for Dir<T> {}
// SAFETY: the same, and `T` is `Sync`.
unsafe impl<T: Directory> Sync for Dir<T> {}

impl<T: Directory> Dir<T> {
    const OPERATIONS: bindings::sysfs_ops = bindings::sysfs_ops {
        show: Some(Self::show),
        store: Some(Self::store),
    };

    const TYPE: bindings::kobj_type = bindings::kobj_type {
        release: Some(Self::release),
        sysfs_ops: &Self::OPERATIONS,
        default_groups: core::ptr::null_mut(),
        child_ns_type: None,
        namespace: None,
        get_ownership: None,
    };

    /// Makes the directory `name` with all files of `T`. Process context.
    ///
    /// # Errors
    ///
    /// `EEXIST`, `ENOMEM`; nothing is left behind then.
    pub(crate) fn new(parent: Parent<'_>, name: &CStr, data: T) -> Result<Self> {
        let node = KBox::pin_init(
            pin_init!(Node {
                raw: Opaque::new(bindings::kobject::default()),
                released <- Completion::new(),
                data,
                _pinned: PhantomPinned,
            }),
            GFP_KERNEL,
        )?;
        // SAFETY: the kobject is zeroed memory that stays where it is; its type is static; the name
        // is formatted as a string. `parent` is alive for the call, and the kobject keeps it after.
        let added = to_result(unsafe {
            bindings::kobject_init_and_add(
                node.raw.get(),
                &raw const *{
                    let kobj_type: &'static bindings::kobj_type = &Self::TYPE;
                    kobj_type
                },
                parent.0,
                c"%s".as_char_ptr(),
                name.as_char_ptr(),
            )
        });
        if let Err(error) = added {
            // SAFETY: initialised even when adding failed; this drops the reference of the init.
            unsafe { bindings::kobject_put(node.raw.get()) };
            node.released.wait();
            return Err(error);
        }
        // INVARIANT: initialised and added.
        let dir = Self(node);
        for file in T::FILES {
            // SAFETY: the kobject has been added, the attribute is static.
            to_result(unsafe {
                bindings::sysfs_create_file_ns(dir.0.raw.get(), &file.raw, core::ptr::null())
            })?;
        }
        Ok(dir)
    }

    /// To make directories inside.
    pub(crate) fn as_parent(&self) -> Parent<'_> {
        Parent(self.0.raw.get(), core::marker::PhantomData)
    }

    /// # Safety
    ///
    /// `kobj` must be the `raw` of a `Node<T>` that is alive for `'a`.
    unsafe fn node<'a>(kobj: *mut bindings::kobject) -> &'a Node<T> {
        // SAFETY: by the requirement; `Opaque` has the layout of what it holds.
        unsafe { &*container_of!(kobj.cast::<Opaque<bindings::kobject>>(), Node<T>, raw) }
    }

    /// # Safety
    ///
    /// Called by the kobject core, for a kobject of this type.
    unsafe extern "C" fn release(kobj: *mut bindings::kobject) {
        // SAFETY: this type's kobjects are in nodes, and `drop` waits for us before it frees one.
        unsafe { Self::node(kobj) }.released.complete();
    }

    /// # Safety
    ///
    /// Called by sysfs, for a kobject and a file of this type, with a page.
    unsafe extern "C" fn show(
        kobj: *mut bindings::kobject,
        attribute: *mut bindings::attribute,
        buffer: *mut ffi::c_char,
    ) -> isize {
        // SAFETY: sysfs keeps the kobject during the call; every attribute of this type is the
        // first field of a `File<T>`; the buffer is a page, of which sysfs wants the last
        // byte left.
        let (node, file, bytes) = unsafe {
            (
                Self::node(kobj),
                &*attribute.cast::<File<T>>(),
                core::slice::from_raw_parts_mut(buffer.cast::<u8>(), bindings::PAGE_SIZE - 1),
            )
        };
        let mut page = Page { bytes, used: 0 };
        // A value longer than a page is shown as far as it fits.
        let _ = (file.show)(&node.data, &mut page);
        page.used as isize
    }

    /// # Safety
    ///
    /// Called by sysfs, for a kobject and a file of this type, with `length` bytes.
    unsafe extern "C" fn store(
        kobj: *mut bindings::kobject,
        attribute: *mut bindings::attribute,
        buffer: *const ffi::c_char,
        length: usize,
    ) -> isize {
        // SAFETY: as in `show`; the buffer holds `length` bytes.
        let (node, file, bytes) = unsafe {
            (
                Self::node(kobj),
                &*attribute.cast::<File<T>>(),
                core::slice::from_raw_parts(buffer.cast::<u8>(), length),
            )
        };
        from_result(|| {
            let store = file.store.ok_or(EACCES)?;
            store(&node.data, bytes)?;
            Ok(length as isize)
        })
    }
}

impl<T: Directory> Drop for Dir<T> {
    fn drop(&mut self) {
        // SAFETY: added by the type invariant. `kobject_del` waits for readers and writers.
        unsafe {
            bindings::kobject_del(self.0.raw.get());
            bindings::kobject_put(self.0.raw.get());
        }
        self.0.released.wait();
    }
}
