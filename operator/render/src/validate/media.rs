//! Media: what may be uploaded, and where files are kept.

use operator_api::{
    Cloudinary, GridFs, Media, MediaType, S3, SecretRef,
    bounds::{MAX_UPLOAD_BYTES, USER_QUOTA_BYTES},
};

use super::{Invalid, invalid, service_shape};
use crate::{
    defaults,
    platform::{MediaShape, MediaStorage},
};

pub(super) fn media(media: Media) -> Result<MediaShape, Invalid> {
    let Media {
        pods,
        resources,
        max_upload_bytes,
        allowed_types,
        unclaimed_upload_ttl_seconds,
        user_quota_bytes,
        storage,
    } = media;
    let max_upload_bytes = max_upload_bytes.unwrap_or(MAX_UPLOAD_BYTES);
    let user_quota_bytes = user_quota_bytes.unwrap_or(USER_QUOTA_BYTES);
    if user_quota_bytes < max_upload_bytes {
        return Err(invalid(
            "spec.media.userQuotaBytes",
            "must not be below maxUploadBytes",
        ));
    }

    Ok(MediaShape {
        pods: service_shape("spec.media", pods, resources)?,
        max_upload_bytes,
        allowed_types: types(allowed_types),
        unclaimed_upload_ttl_seconds: unclaimed_upload_ttl_seconds
            .unwrap_or(defaults::UNCLAIMED_UPLOAD_TTL_SECONDS),
        user_quota_bytes,
        storage: storage.map_or(Ok(MediaStorage::GridFs), media_storage)?,
    })
}

/// Their order means nothing, so another order must not replace pods.
fn types(mut types: Vec<MediaType>) -> Vec<MediaType> {
    if types.is_empty() {
        return MediaType::ALL.to_vec();
    }
    types.sort_unstable();
    types.dedup();

    types
}

fn media_storage(storage: operator_api::MediaStorage) -> Result<MediaStorage, Invalid> {
    let operator_api::MediaStorage {
        gridfs,
        s3,
        cloudinary,
    } = storage;

    match (gridfs, s3, cloudinary) {
        (Some(GridFs {}), None, None) => Ok(MediaStorage::GridFs),
        (None, Some(s3), None) => Ok(bucket(s3)),
        (None, None, Some(Cloudinary { secret_ref })) => Ok(MediaStorage::Cloudinary {
            secret: secret_ref.name,
        }),
        _ => Err(invalid(
            "spec.media.storage",
            "must be exactly one of gridfs, s3 and cloudinary",
        )),
    }
}

fn bucket(s3: S3) -> MediaStorage {
    let S3 {
        endpoint,
        region,
        bucket,
        credentials_secret_ref: SecretRef { name },
    } = s3;
    let region = region.unwrap_or_else(|| defaults::S3_REGION.to_owned());

    MediaStorage::S3 {
        endpoint: endpoint.unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com")),
        region,
        bucket,
        secret: name,
    }
}
