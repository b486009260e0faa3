//! The stack that a command runs on.

use std::thread;

/// Bytes of stack for a command, and for each thread that helps it. Only what is used of it takes memory; what the
/// limits of the readers and of expressions allow to nest needs a tenth of it in a build without optimization.
const DEEP: usize = 256 << 20;

/// Runs `work` on a stack that is deep enough for everything that the limits let through; none if it panicked.
///
/// The threads of parallel work get such a stack, too. Where the machine grants none, `work` runs on the stack that
/// is there.
pub fn on_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    // Somebody may have made the pool before, and then it is theirs.
    let _ = rayon::ThreadPoolBuilder::new()
        .stack_size(DEEP)
        .build_global();
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
