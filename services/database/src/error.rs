//! What a driver's error means to a service.

use mongodb::error::{Error, ErrorKind, InsertManyError, WriteFailure};

use crate::updates::Unsure;

/// `DuplicateKey`, <https://www.mongodb.com/docs/manual/reference/error-codes/>.
pub(crate) const DUPLICATE_KEY: i32 = 11000;
/// `MaxTimeMSExpired`: the server gave an operation up because it took longer than it was allowed to.
const MAX_TIME_EXPIRED: i32 = 50;
/// What a member answers that stops, steps down or is no primary: `ShutdownInProgress`, `PrimarySteppedDown`,
/// `NotWritablePrimary`, `InterruptedAtShutdown`, `InterruptedDueToReplStateChange`, `NotPrimaryNoSecondaryOk`,
/// `NotPrimaryOrSecondary`. The driver tries most calls once more; when no other member is found it passes the answer on.
const GOING_AWAY: [i32; 7] = [91, 189, 10107, 11600, 11602, 13435, 13436];
/// What a member answers that does not reach another: `HostUnreachable`, `HostNotFound`, `NetworkTimeout`,
/// `ExceededTimeLimit`, `SocketException`.
const OUT_OF_REACH: [i32; 5] = [6, 7, 89, 262, 9001];

/// A unique index refused the write.
pub fn is_duplicate_key(error: &Error) -> bool {
    match &*error.kind {
        ErrorKind::Write(WriteFailure::WriteError(write)) => write.code == DUPLICATE_KEY,
        // What `findAndModify` answers.
        ErrorKind::Command(command) => command.code == DUPLICATE_KEY,
        _ => false,
    }
}

/// The database could not be reached or could not answer in time: the caller may try again, and whether a write took
/// place is unknown.
pub fn is_unavailable(error: &Error) -> bool {
    matches!(
        &*error.kind,
        ErrorKind::ServerSelection { .. }
            | ErrorKind::ConnectionPoolCleared { .. }
            | ErrorKind::Io(_)
            | ErrorKind::DnsResolve { .. }
            | ErrorKind::Authentication { .. }
    ) || matches!(&*error.kind, ErrorKind::Command(command) if is_passing(command.code))
        || error.contains_label(mongodb::error::RETRYABLE_WRITE_ERROR)
        || matches!(
            &*error.kind,
            ErrorKind::Write(WriteFailure::WriteConcernError(_))
        )
        || matches!(&*error.kind, ErrorKind::InsertMany(failure) if is_unsure(failure))
        || error.get_custom::<Unsure>().is_some()
}

pub(crate) fn is_passing(code: i32) -> bool {
    code == MAX_TIME_EXPIRED || GOING_AWAY.contains(&code) || OUT_OF_REACH.contains(&code)
}

/// Whether some of many documents may be inserted later, or were inserted and may be taken back.
fn is_unsure(failure: &InsertManyError) -> bool {
    let mut refused = failure.write_errors.iter().flatten();

    failure.write_concern_error.is_some() || refused.any(|error| is_passing(error.code))
}
