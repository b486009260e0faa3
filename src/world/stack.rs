//! The stack that a command runs on.

use std::panic::{self, AssertUnwindSafe};
use std::thread;

/// Bytes of stack for a command, and for each thread that helps it. Only what is used of it takes memory; what the
/// limits of the readers and of expressions allow to nest needs a tenth of it in a build without optimization.
const DEEP: usize = 256 << 20;

/// Runs `work` on a stack that is deep enough for everything that the limits let through; none if it panicked.
///
/// It runs on one of the threads of parallel work, which all have such a stack: so it takes part in what it asks for,
/// and waits for nobody to wake up. Where the machine grants none, `work` runs on the stack that is there.
pub fn on_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    let pool = rayon::ThreadPoolBuilder::new().stack_size(DEEP);
    if pool.build_global().is_ok() {
        let work = AssertUnwindSafe(|| rayon::scope(|_| work()));
        return panic::catch_unwind(work).ok();
    }
    // Somebody made the threads before, and then they are theirs; or the machine grants no such threads.
    on_own_thread(work)
}

fn on_own_thread<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    let mut slot = Some(work);
    let mut run = || slot.take().map(|work| work());
    let done = thread::scope(|scope| {
        let deep = thread::Builder::new().stack_size(DEEP);
        let running = deep.spawn_scoped(scope, &mut run).ok()?;
        Some(running.join().ok().flatten())
    });
    match done {
        Some(result) => result,
        None => run(),
    }
}
