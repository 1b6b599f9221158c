//! Whose an object is. The name alone says nothing: anybody who may write in a namespace can take one.

use kube::Resource;
use kube::api::ObjectMeta;
use operator_api::SocialPlatform;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// This very platform controls it.
    Ours,
    /// A platform of the same name that is gone; the cluster removes it by itself.
    Predecessor,
    /// Somebody else made it, or nobody controls it.
    Other,
}

impl Owner {
    pub fn of(object: &ObjectMeta, platform: &SocialPlatform) -> Self {
        let controller = object
            .owner_references
            .iter()
            .flatten()
            .find(|owner| owner.controller == Some(true));
        let Some(controller) = controller else {
            return Self::Other;
        };
        // The version may change over time, the group is what makes the kind ours.
        let group = controller.api_version.split('/').next().unwrap_or_default();
        let is_kind =
            group == SocialPlatform::group(&()) && controller.kind == SocialPlatform::kind(&());
        let is_namesake = Some(&controller.name) == platform.metadata.name.as_ref();

        match (
            is_kind && is_namesake,
            Some(&controller.uid) == platform.metadata.uid.as_ref(),
        ) {
            (true, true) => Self::Ours,
            (true, false) => Self::Predecessor,
            (false, _) => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
    use operator_api::SocialPlatformSpec;

    use super::*;

    fn owner(change: impl FnOnce(&mut OwnerReference)) -> Owner {
        let mut reference = OwnerReference {
            api_version: "socialplatform.io/v1alpha1".to_owned(),
            kind: "SocialPlatform".to_owned(),
            name: "demo".to_owned(),
            uid: "uid-1".to_owned(),
            controller: Some(true),
            block_owner_deletion: Some(true),
        };
        change(&mut reference);
        let object = ObjectMeta {
            owner_references: Some(vec![reference]),
            ..ObjectMeta::default()
        };
        let mut platform = SocialPlatform::new("demo", SocialPlatformSpec::default());
        platform.metadata.uid = Some("uid-1".to_owned());
        Owner::of(&object, &platform)
    }

    #[test]
    fn the_uid_decides() {
        assert_eq!(owner(|_| {}), Owner::Ours);
        assert_eq!(
            owner(|reference| reference.uid = "uid-0".to_owned()),
            Owner::Predecessor
        );
    }

    #[test]
    fn another_kind_another_name_and_a_mere_mention_are_somebody_elses() {
        assert_eq!(
            owner(|reference| reference.api_version = "other.io/v1alpha1".to_owned()),
            Owner::Other
        );
        assert_eq!(
            owner(|reference| reference.kind = "Other".to_owned()),
            Owner::Other
        );
        assert_eq!(
            owner(|reference| reference.name = "other".to_owned()),
            Owner::Other
        );
        assert_eq!(owner(|reference| reference.controller = None), Owner::Other);
    }

    #[test]
    fn an_object_without_owner_is_not_ours() {
        assert_eq!(
            Owner::of(
                &ObjectMeta::default(),
                &SocialPlatform::new("demo", SocialPlatformSpec::default())
            ),
            Owner::Other
        );
    }
}
