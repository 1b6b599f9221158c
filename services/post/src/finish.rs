//! Work that outlives the request it came with.

use tracing::Instrument as _;

/// Does `work` to its end even when the client hangs up meanwhile, which drops whatever its handler was waiting for. A
/// write that was sent takes place all the same, and has to be announced.
pub async fn finish<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    match tokio::spawn(work.in_current_span()).await {
        Ok(done) => done,
        Err(ended) => std::panic::resume_unwind(ended.into_panic()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn work_goes_on_when_nobody_waits_for_it() {
        let (begin, begun) = oneshot::channel::<()>();
        let (end, ended) = oneshot::channel();
        let waiting = tokio::spawn(finish(async move {
            begun.await.expect("begun");
            end.send("written").expect("somebody wants to know");
        }));
        tokio::task::yield_now().await;
        waiting.abort();
        assert!(waiting.await.is_err(), "the request is gone");
        begin.send(()).expect("the work is not");

        assert_eq!(ended.await, Ok("written"));
    }
}
