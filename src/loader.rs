// SPDX-License-Identifier: GPL-2.0

//! Patch modules that are loaded and unloaded: the way from a module's init to a change.
//!
//! A patch module calls [`Registration::new`] in its init, which makes its directory and has it
//! enabled, and drops the registration in its exit, which waits until no task is in its code.

use crate::{
    api::{
        declaration::Declaration,
        target::previous, //
    },
    change::engine::Engine,
    control::{
        core::CoreDir,
        patch::PatchDir, //
    },
    edge::{
        kernel::{
            modules,
            slot::{
                Published,
                Slot, //
            }, //
        },
        klp::shadow, //
    },
    error::{
        Cause,
        Refusal, //
    },
    patch::Patch, //
};
use kernel::{
    new_mutex,
    prelude::*,
    str::CStr,
    sync::{
        Arc,
        Mutex, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
    ThisModule, //
};

/// How patch modules find the core that is loaded.
static LOADER: Slot<Loader> = Slot::new();

/// The core, loaded.
#[pin_data]
pub(crate) struct Loader {
    // First, because fields are dropped in this order: nobody asks for anything any more then.
    dir: CoreDir,
    /// One for each patch that is loaded.
    #[pin]
    patches: Mutex<KVec<PatchDir>>,
    engine: Arc<Engine>,
}

/// The core can be found by patch modules as long as this lives. Only the core module holds it.
pub(crate) struct Running {
    // In this order: first nobody finds the core any more.
    _published: Published<Loader>,
    _shadow: shadow::Collecting,
}

impl Loader {
    /// Starts the core and lets patch modules find it. For the core module's init.
    ///
    /// `budget_us` and `poke_ms` as in [`Shared`](crate::registry::shared::Shared).
    pub(crate) fn start(budget_us: u32, poke_ms: u32) -> Result<Running> {
        let engine = Engine::new(budget_us, poke_ms)?;
        let loader = Arc::pin_init(
            try_pin_init!(Self {
                dir: CoreDir::new(engine.shared().clone())?,
                patches <- new_mutex!(KVec::new()),
                engine,
            }),
            GFP_KERNEL,
        )?;
        Ok(Running {
            _shadow: shadow::Collecting::start()?,
            _published: LOADER.publish(loader),
        })
    }

    /// Makes `patch` known and enables it. Process context.
    fn load(&self, patch: Arc<Patch>) -> Result {
        patch.check_names()?;
        if let Err(refusal) = check_folders(&patch) {
            pr_err!("{}: {}\n", patch.name(), refusal);
            return Err(self.engine.shared().refuse(&patch, refusal));
        }
        let dir = PatchDir::new(&self.dir, &self.engine, patch.clone())?;
        // What finds no room must not be dropped under the lock: that waits for readers and
        // writers of its files.
        let mut patches = self.patches.lock();
        let known = match patches.reserve(1, GFP_KERNEL) {
            Ok(()) => self.engine.add(&patch),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = known {
            drop(patches);
            drop(dir);
            return Err(error);
        }
        let pushed = patches.push_within_capacity(dir);
        debug_assert!(pushed.is_ok());
        drop(patches);
        let result = self.engine.enable_at_load(&patch);
        if result.is_err() {
            // Nobody was ever sent into its code, nor will be: it stays in `Progress::Loading`.
            drop(self.forget(patch.name()));
            patch.clear_states();
        }
        result
    }

    /// Forgets the disabled patch `name`, whose module is about to go. Process context; waits until
    /// no task is in its code, and no reader or writer in its directory.
    fn unload(&self, name: &CStr) {
        self.refuse_force(name);
        // Its functions may still be armed, if it was disabled just now. Before it is forgotten: as
        // long as it is known, a module of these functions does not go without us.
        self.engine.disarm_unused();
        if let Some(dir) = self.forget(name) {
            self.engine.wait_until_unused(dir.patch());
            dir.patch().clear_states();
        }
    }

    /// `rmmod -f` asks nobody whether a module is in use. Calls go to the code of this one, or will
    /// soon, or tasks may be anywhere in it: then it stays where it is.
    fn refuse_force(&self, name: &CStr) {
        let Some(patch) = self.engine.find(name) else {
            return;
        };
        while patch.is_changing() && !patch.is_in_use() {
            fsleep(Delta::from_millis(1));
        }
        if patch.is_in_use() || patch.is_forced() {
            pr_err!(
                "{}: is in use and cannot go, so its rmmod never ends\n",
                name
            );
            modules::stay();
        }
    }

    /// Takes the patch `name` out of those that are loaded. What is returned is not to be dropped
    /// under a lock: that waits for readers and writers, who may be waiting for a change.
    fn forget(&self, name: &CStr) -> Option<PatchDir> {
        self.engine.forget(name);
        let mut patches = self.patches.lock();
        let index = patches.iter().position(|dir| dir.patch().name() == name)?;
        patches.remove(index).ok()
    }
}

/// A patch that is loaded. It is enabled when made, and gone from the kernel when dropped.
///
/// It owns nothing but its name, because what is dropped in a patch module is compiled into it.
pub struct Registration {
    module: &'static ThisModule,
}

impl Registration {
    /// Enables the patch that `declaration` describes; for a patch module's init.
    ///
    /// Process context. Waits until the change is done or refused, at most a little longer than
    /// `deadline_ms` milliseconds; being killed ends the attempt.
    ///
    /// # Errors
    ///
    /// The errno of the cause (`docs/abi.md`); nothing has changed then. The cause in words is in
    /// the log and in `/sys/kernel/molt/last_error`.
    pub fn new(
        module: &'static ThisModule,
        declaration: &'static Declaration,
        deadline_ms: u32,
    ) -> Result<Self> {
        let loader = LOADER.get().ok_or(ENODEV)?;
        let chosen = declaration.consistency();
        let consistency = chosen.unwrap_or(loader.engine.consistency());
        loader.load(Patch::new(module, declaration, deadline_ms, consistency)?)?;
        Ok(Self { module })
    }

    /// For a patch module's exit: the loader lets that run only while nobody holds the module, and
    /// an enabled patch does. Waits until no task is in the module's code.
    fn unload(&self) {
        if let Some(loader) = LOADER.get() {
            loader.unload(modules::name(self.module));
        }
    }
}

impl Drop for Registration {
    #[inline(always)]
    fn drop(&mut self) {
        self.unload();
    }
}

/// Whether `patch` and its objects can have folders: none of them has the name of a file there.
fn check_folders(patch: &Patch) -> Result<(), Refusal> {
    if CoreDir::has_file(patch.name()) {
        return Err(Refusal::new(
            Cause::Invalid,
            fmt!(
                "no patch can be called {}: /sys/kernel/molt has a file of that name",
                patch.name()
            ),
        ));
    }
    let mut objects = patch.objects().iter();
    match objects.find(|object| PatchDir::has_file(object.name())) {
        Some(object) => Err(Refusal::new(
            Cause::Invalid,
            fmt!(
                "no object can be called {}: each patch has a file of that name",
                object.name()
            ),
        )),
        None => Ok(()),
    }
}

macro_rules! export {
    ($($function:path),*) => {$(
        // An entry as `include/linux/export.h` writes it: licence, namespace, address.
        core::arch::global_asm!(
            ".section \".export_symbol\", \"a\"",
            "__export_symbol_{function}:",
            ".asciz \"GPL\"",
            ".asciz \"\"",
            ".balign 8",
            ".quad {function}",
            ".previous",
            function = sym $function,
        );
    )*};
}

export!(
    Registration::new,
    Registration::unload,
    previous,
    shadow::detach_all
);
