//! What is there in tests, told in the words of the crate `fail`: `<point>=panic`, `<point>=pause`, `<bug>=return`.

use std::io;
use std::process::abort;

use fail::{FailScenario, fail_point};

use crate::{Bug, Point};

/// Said on standard output once an order is in force.
pub const OBEYED: &str = "obeyed";

/// The process is at `point`, where it may die.
pub fn passes(point: Point) {
    fail_point!(point.name());
}

/// Whether this mistake is to be made.
pub fn has(bug: Bug) -> bool {
    fail_point!(bug.name(), |_| true);

    false
}

/// Takes orders: those of the variable `FAILPOINTS` now, and from then on a line of standard input each. A panic that was
/// ordered ends the process at once, with nothing finished or told to anybody.
pub fn obey() {
    let say = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        say(panic);
        // As the crate `fail` begins what it says.
        if panic
            .payload_as_str()
            .is_some_and(|message| message.starts_with("failpoint "))
        {
            abort();
        }
    }));
    // Its end would take the orders back.
    std::mem::forget(FailScenario::setup());
    std::thread::spawn(|| {
        for order in io::stdin().lines().map_while(Result::ok) {
            let (name, action) = order.split_once('=').expect("an order is <name>=<action>");
            fail::cfg(name, action).expect("an action of the crate `fail`");
            println!("{OBEYED}");
        }
    });
}
