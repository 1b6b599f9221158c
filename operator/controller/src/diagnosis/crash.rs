//! A program that ended, with its last words.

use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStatus};
use k8s_openapi::jiff::SignedDuration;
use operator_api::Reason;

use super::words::last_words;
use super::{Cause, Suspect};

/// How long a program has to run for its last end to be history. It is when a node forgets it too, and starts the
/// container without a pause should it end again.
const RECOVERED_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// The sentence is the same while the container waits, starts, runs and ends again: only its words may differ.
pub(super) fn crash(suspect: &Suspect) -> Option<Cause> {
    let (container, ended) = suspect
        .containers()
        .find_map(|container| Some((container, last_end(suspect, container)?)))?;
    let name = &container.name;

    if ended.reason.as_deref() == Some("OOMKilled") {
        let limit = suspect
            .memory_limit(name)
            .map(|limit| format!(" of {limit}"))
            .unwrap_or_default();
        return Some(Cause::new(
            Reason::CrashLooping,
            format!(
                "container {name} was ended for its memory (OOMKilled): its limit{limit} is not enough"
            ),
        ));
    }
    let words = ended.message.as_deref().and_then(last_words);

    Some(Cause {
        words: suspect.fit(&words.unwrap_or_default()),
        ..Cause::new(
            Reason::CrashLooping,
            format!("container {name} ended with exit code {}", ended.exit_code),
        )
    })
}

/// How the container last ended, unless it has recovered since or ended well, as an init container does.
fn last_end<'a>(
    suspect: &Suspect,
    container: &'a ContainerStatus,
) -> Option<&'a ContainerStateTerminated> {
    let state = container.state.as_ref();
    let now = state.and_then(|state| state.terminated.as_ref());
    let before = container
        .last_state
        .as_ref()
        .and_then(|state| state.terminated.as_ref());
    let is_done = container.ready && now.is_some_and(|ended| ended.exit_code == 0);
    let has_recovered = state
        .and_then(|state| state.running.as_ref()?.started_at.as_ref())
        .is_some_and(|started| suspect.age(started) > RECOVERED_AFTER);
    if is_done || has_recovered || container.ready {
        return None;
    }

    now.or(before)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ContainerState;

    use super::super::samples::{NOW, ended, pod, running, suspect_message, waiting};
    use super::*;

    const WORDS: &str = "post: bad setting: PAGE_LIMIT (--page-limit): 0 is not in 1..=100\n";

    fn message(
        state: Option<ContainerState>,
        last: Option<ContainerState>,
    ) -> Option<(Reason, String)> {
        let pod = pod(|status| {
            status.state = state;
            status.last_state = last;
        });

        suspect_message(&pod, crash)
    }

    #[test]
    fn a_crash_loop_is_told_the_same_at_each_point_of_it() {
        let expected = Some((
            Reason::CrashLooping,
            "container post ended with exit code 2: post: bad setting: PAGE_LIMIT (--page-limit): 0 is not in 1..=100"
                .to_owned(),
        ));
        let last = || ended(2, "Error", WORDS);

        assert_eq!(
            message(last(), None),
            expected,
            "it ends for the first time"
        );
        for second in [20, 40, 80, 160, 300] {
            let pause = format!("back-off {second}s restarting failed container=post");
            assert_eq!(
                message(waiting("CrashLoopBackOff", &pause), last()),
                expected
            );
            assert_eq!(message(running(NOW - 5), last()), expected);
            assert_eq!(message(last(), last()), expected);
        }
    }

    #[test]
    fn a_container_that_was_ended_for_its_memory_says_how_much_it_has() {
        assert_eq!(
            message(
                waiting("CrashLoopBackOff", ""),
                ended(137, "OOMKilled", "half a line of lo")
            ),
            Some((
                Reason::CrashLooping,
                "container post was ended for its memory (OOMKilled): its limit of 128Mi is not enough"
                    .to_owned()
            ))
        );
    }

    #[test]
    fn an_end_of_long_ago_is_not_why_a_pod_is_not_ready() {
        assert_eq!(message(running(NOW - 3600), ended(1, "Error", WORDS)), None);
    }

    #[test]
    fn a_program_that_cannot_be_run_is_one_that_ended() {
        let words = "failed to create containerd task: failed to create shim task: OCI runtime create failed: exec: \
                     \"/usr/local/bin/post\": stat /usr/local/bin/post: no such file or directory";

        assert_eq!(
            message(
                waiting("CrashLoopBackOff", "back-off 10s"),
                ended(128, "StartError", words)
            ),
            Some((
                Reason::CrashLooping,
                format!("container post ended with exit code 128: {words}")
            ))
        );
    }

    #[test]
    fn a_first_start_is_no_crash() {
        assert_eq!(message(running(NOW - 5), None), None);
        assert_eq!(message(waiting("ContainerCreating", ""), None), None);
    }
}
