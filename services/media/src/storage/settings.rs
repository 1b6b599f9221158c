//! What the service is told of the place for files.

use clap::{Args, ValueEnum};
use secrecy::SecretString;

use crate::storage::ConfigError;

/// Where the bytes of files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MediaStorage {
    /// In the service's own database.
    Gridfs,
    /// In a bucket of an S3 server.
    S3,
    /// At Cloudinary.
    Cloudinary,
}

/// Which place, and how it is reached. Settings of the other places are not looked at.
#[derive(Debug, Clone, Args)]
pub struct StorageConfig {
    /// Where the bytes of files are kept. Files stay where they were put.
    #[arg(long, env = "MEDIA_STORAGE", value_enum, default_value = "gridfs")]
    pub media_storage: MediaStorage,

    /// The S3 server, such as `https://s3.eu-central-1.amazonaws.com`; buckets are addressed by path.
    #[arg(long, env = "S3_ENDPOINT")]
    pub s3_endpoint: Option<String>,

    /// The bucket's region.
    #[arg(long, env = "S3_REGION", default_value = "us-east-1")]
    pub s3_region: String,

    /// Name of the bucket. It has to exist.
    #[arg(long, env = "S3_BUCKET")]
    pub s3_bucket: Option<String>,

    /// Whose key may put, get and delete objects of the bucket.
    #[arg(long, env = "S3_ACCESS_KEY_ID", hide_env_values = true)]
    pub s3_access_key_id: Option<SecretString>,

    /// The secret half of the key.
    #[arg(long, env = "S3_SECRET_ACCESS_KEY", hide_env_values = true)]
    pub s3_secret_access_key: Option<SecretString>,

    /// The account, `cloudinary://<key>:<secret>@<cloud>`; `?signature_algorithm=sha256` for accounts that ask for it.
    #[arg(long, env = "CLOUDINARY_URL", hide_env_values = true)]
    pub cloudinary_url: Option<SecretString>,

    /// Where Cloudinary's API answers.
    #[arg(
        long,
        env = "CLOUDINARY_API_URL",
        default_value = "https://api.cloudinary.com"
    )]
    pub cloudinary_api_url: String,
}

impl StorageConfig {
    /// The setting `value`, which the chosen place cannot do without.
    pub(super) fn needed<'a, T>(
        &self,
        name: &'static str,
        value: &'a Option<T>,
    ) -> Result<&'a T, ConfigError> {
        value.as_ref().ok_or(ConfigError::Missing {
            storage: match self.media_storage {
                MediaStorage::Gridfs => "gridfs",
                MediaStorage::S3 => "s3",
                MediaStorage::Cloudinary => "cloudinary",
            },
            name,
        })
    }
}
