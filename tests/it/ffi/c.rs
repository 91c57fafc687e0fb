//! The C programs of `tests/ffi/c`, each as it is, under valgrind, and with the sanitizers.

use promfetch_tests::library::{Library, Watch};

use super::{Instances, Program};

/// Runs a program three ways. Whoever watches makes it 20 times slower and keeps freed memory: `less` says what is
/// smaller then.
async fn passes(name: &'static str, less: &[&str]) {
    let instances = Instances::start().await;
    let mut arguments = instances.arguments();
    let library = Library::staged().libraries().join("libpromfetch.so.1");
    arguments.push(format!("library={}", library.display()));
    for watch in [Watch::Nothing, Watch::Sanitizers, Watch::Valgrind] {
        if watch == Watch::Sanitizers {
            // The first of a name counts.
            let less = less.iter().map(|argument| (*argument).to_owned());
            arguments = less.chain(arguments).collect();
        }
        let program = Program::compile(name, watch).await;
        program.succeeds(&arguments).await;
    }
}

macro_rules! programs {
    ($($(#[$about:meta])* $test:ident: $name:literal, $less:expr;)*) => {
        $($(#[$about])*
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            passes($name, &$less).await;
        })*
    };
}

programs! {
    null_is_refused_or_nothing: "nulls", [];
    wrong_arguments_are_named: "errors", [];
    pages_are_merged_without_a_client: "merge", [];
    a_client_fetches_discovers_and_streams: "client", [];
    calls_end_when_cancelled_or_freed: "cancel", [];
    many_threads_and_two_clients: "threads", ["threads=8", "rounds=1"];
    the_log_is_the_callers: "log", [];
    a_fork_is_noticed: "fork", [];
    it_is_loaded_and_unloaded: "load", [];
    nothing_grows: "rounds", ["rounds=30", "idle=3", "clients=3", "flat=0"];
    a_host_is_left_alone: "manners", ["watched=1"];
}
