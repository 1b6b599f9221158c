//! The way of a change from a post to a copy of it, as a small machine, with every order of steps and failures tried.
//!
//! One post is created, edited, deleted and announced again, by processes that may die between any two steps. What they
//! send may be lost, doubled or overtaken, and a subscription may end without a word. In the end the copy must be what
//! the post is. That this check is worth something is checked too: each of eight mistakes makes it fail.

mod machine;

use faults::Bug;
use stateright::{Checker, Model};

use crate::machine::Machine;

/// Finds out whether every end is a good one, and how many states there are.
fn check(bug: Option<Bug>) -> (bool, usize) {
    let checker = Machine { bug }.checker().threads(2).spawn_bfs().join();
    let is_good = checker.discovery("copies agree in the end").is_none();
    if bug.is_none() {
        for reached in ["the copy is live", "the post is gone everywhere"] {
            assert!(checker.discovery(reached).is_some(), "{reached}: never");
        }
    }

    (is_good, checker.unique_state_count())
}

#[test]
fn nothing_is_lost_and_the_copy_agrees_whatever_happens() {
    let (is_good, states) = check(None);
    println!("{states} states");

    assert!(is_good);
    assert!(states > 100_000, "only {states} states: faults are missing");
}

#[test]
fn each_of_eight_mistakes_is_found() {
    for bug in Bug::ALL {
        let (is_good, states) = check(Some(bug));
        println!("{bug:?}: found among {states} states");

        assert!(!is_good, "{bug:?} is not found");
    }
}
