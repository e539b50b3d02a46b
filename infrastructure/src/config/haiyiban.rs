//! 海易办: `ZSQ_HAIYIBAN_CONFIG`, the path of a declaration.

use std::error::Error;
use std::path::Path;

use url::Url;

use super::variables::Variables;
use crate::sso::declaration::Declaration;

/// Where the server answers as the identity provider, in sandbox mode.
pub const SANDBOX_PATH: &str = "/sandbox/haiyiban";

/// The identity provider; none: signing in by it is not offered. `stand_in` is the address of this server, where it
/// answers as a provider in sandbox mode: as it reaches itself, and as browsers do.
pub(super) fn read(variables: &mut Variables<'_>, stand_in: Option<&(Url, Url)>) -> Option<Declaration> {
    const NAME: &str = "ZSQ_HAIYIBAN_CONFIG";
    let path = variables.optional(NAME, "the path of a file", |path| Some(path.to_owned()));
    let declaration = match (&path, stand_in) {
        (Some(path), _) => Declaration::load(Path::new(path)),
        (None, Some((server, public))) => {
            let at = |url: &Url| {
                let mut url = url.clone();
                url.set_path(SANDBOX_PATH);
                url
            };
            Declaration::sandbox(at(server), at(public))
        }
        (None, None) => return None,
    };
    declaration
        .map_err(|error| {
            let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            variables.refuse(NAME, format!("{error}{cause}"), path);
        })
        .ok()
}
