//! Rules of media's part: sizes that fit into one another, and one place for files.

use kube::core::Rule;

use super::{number_or, rule};
use crate::bounds::{MAX_UPLOAD_BYTES, USER_QUOTA_BYTES};

pub(crate) fn quota_holds_the_largest_upload() -> Rule {
    let quota = number_or("self", &["userQuotaBytes"], USER_QUOTA_BYTES);
    let upload = number_or("self", &["maxUploadBytes"], MAX_UPLOAD_BYTES);

    rule(
        &format!("{quota} >= {upload}"),
        "userQuotaBytes must not be below maxUploadBytes",
    )
}

pub(crate) fn storage_is_one_of_three() -> Rule {
    rule(
        "[has(self.gridfs), has(self.s3), has(self.cloudinary)].filter(given, given).size() == 1",
        "storage must be exactly one of gridfs, s3 and cloudinary",
    )
}

/// The rule sits where it also sees a storage that is mentioned for the first time, or no more.
pub(crate) fn kind_of_media_storage_is_fixed() -> Rule {
    rule(
        &format!(
            "{} == {}",
            kind_of_storage("self"),
            kind_of_storage("oldSelf")
        ),
        "media.storage cannot be changed to another kind after creation: files stay where they were put",
    )
}

fn kind_of_storage(of: &str) -> String {
    let storage = format!("{of}.media.storage");

    format!(
        "(has({of}.media) && has({storage}) ? (has({storage}.s3) ? 's3' : (has({storage}.cloudinary) ? 'cloudinary' : 'gridfs')) : 'gridfs')"
    )
}

pub(crate) fn is_an_http_server() -> Rule {
    let host = r"([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\\[[0-9a-fA-F:]+\\])";

    rule(
        &format!("self.matches('^https?://{host}(:[0-9]{{1,5}})?$')"),
        "must be the address of a server, such as https://minio.example.com:9000, without a path",
    )
}

pub(crate) fn is_a_region() -> Rule {
    rule(
        "self.matches('^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$')",
        "must be a region, such as eu-central-1: letters, digits and hyphens",
    )
}

pub(crate) fn is_a_bucket() -> Rule {
    rule(
        "self.matches('^[a-z0-9]([a-z0-9.-]*[a-z0-9])$')",
        "must be the name of a bucket: small letters, digits, hyphens and dots, with a letter or digit at both ends",
    )
}
