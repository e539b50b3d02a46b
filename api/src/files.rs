//! 文件: upload, download; and the check of everything that names a file by its id.

use std::collections::HashMap;

use application::Receipt;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::id::{FileId, ParkId};
use domain::profile::Profile;
use domain::refusal::FieldError;
use domain::stored_file::{
    Content, ContentType, Recognised, Scan, StoredFile, StoredFileCommand, StoredFileError, Verdict,
    shown_name,
};
use infrastructure::files::{Busy, FilesError, PackageError, Quarantined};
use projections::files::{self as read_model, FileRow, Files};
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::actor::Caller;
use crate::command::stamp;
use crate::limits::{limit_headers, refuse_if_spent, with_limits};
use crate::personal::{Show, reveal};
use crate::problem::Problem;
use crate::query::{Asked, Id};
use crate::state::AppState;
use crate::upload::{self, UPLOAD_BYTES_MAX, Upload};

mod range;

const TAG: &str = "文件";
/// Where files are uploaded, as the router knows it.
pub(crate) const UPLOAD_ROUTE: &str = "/api/v1/files";
/// How the address of every file begins.
pub(crate) const PATH_PREFIX: &str = "/api/v1/files/";

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    let bytes_max = usize::try_from(UPLOAD_BYTES_MAX).expect("20 MB fit into memory addresses");
    OpenApiRouter::new()
        .routes(routes!(upload_file))
        // The form's reader would stop at 2 MB by itself.
        .layer(DefaultBodyLimit::max(bytes_max))
        .routes(routes!(read))
}

/// A form with a file.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "only its schema is used; the form itself is read as a stream")]
pub struct FileUpload {
    /// PNG, JPEG or WebP up to 10 MB; PDF, DOCX or XLSX up to 20 MB.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    file: String,
}

/// The bytes of a file.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "only its schema is used; the bytes are sent as a stream")]
pub struct FileContent(Vec<u8>);

/// A file that was taken in.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UploadedFile {
    /// The file; put it where a field wants a file id.
    id: Uuid,
    /// Its version.
    version: i64,
    /// SHA-256 of its bytes, 64 hexadecimal digits.
    sha256: String,
    /// Bytes.
    size: u64,
    /// Media type, by its content.
    content_type: String,
}

/// Takes a file in. Its type is what its bytes say; the name is kept for the download.
#[utoipa::path(post, path = "/files", operation_id = "fileUpload", tag = TAG,
    request_body(content = FileUpload, content_type = "multipart/form-data"),
    responses((status = 201, body = UploadedFile)))]
async fn upload_file(State(state): State<AppState>, upload: Upload) -> Result<Response, Problem> {
    let owner = upload.caller.actor.to_string();
    let verdict = state.limits.file_upload(&owner).await?;
    refuse_if_spent(&verdict, "file.too_frequent")?;
    let _slot = state.files.slot(&owner).map_err(busy)?;
    with_limits(receive(&state, upload).await, limit_headers(&verdict))
}

async fn receive(state: &AppState, upload: Upload) -> Result<Response, Problem> {
    let (caller, named, form) = upload.split();
    let id = state.app.clock.new_id();
    let received = upload::receive(form, state.files.receive(id)).await?;
    let content_type = content_type(state, received.recognised, &received.file).await?;
    let scan = state.files.scan(&received.file).await.map_err(|error| unavailable(&error))?;
    let content = Content { sha256: received.file.sha256.clone(), size: received.file.size, content_type };
    match scan {
        Scan::Skipped | Scan::Clean { .. } => {
            state.files.keep(received.file).await.map_err(|error| unavailable(&error))?;
        }
        Scan::Infected { .. } => drop(received.file),
    }
    // The same file under the same name is the same request, however the form was written.
    let said = format!("{}\n{}", content.sha256, received.name.as_deref().unwrap_or_default());
    let command = named.command(caller, said.as_bytes());
    let intent = StoredFileCommand::Receive { content, name: received.name, scan };
    let receipt = command.execute::<StoredFile>(state, id, intent).await?;
    answer(state, receipt).await
}

async fn content_type(
    state: &AppState,
    recognised: Recognised,
    file: &Quarantined,
) -> Result<ContentType, Problem> {
    match recognised {
        Recognised::As(content_type) => Ok(content_type),
        Recognised::Package => {
            let parts = state.files.part_names(file).await.map_err(|error| match error {
                PackageError::Damaged => Problem::refused(StoredFileError::Damaged),
                PackageError::Store(error) => unavailable(&FilesError::Store(error)),
            })?;
            ContentType::of_package(parts.iter().map(String::as_str)).map_err(Problem::refused)
        }
    }
}

/// The answer is what became of the file, also to a request that came again.
async fn answer(state: &AppState, receipt: Receipt) -> Result<Response, Problem> {
    let file = state.app.load::<StoredFile>(receipt.id).await?.state;
    let uploaded = file.uploaded.filter(|_| file.verdict == Some(Verdict::Accepted));
    let content = uploaded.ok_or_else(|| Problem::refused(StoredFileError::Infected))?.content;
    let body = UploadedFile {
        id: receipt.id,
        version: receipt.version,
        sha256: content.sha256,
        size: content.size,
        content_type: content.content_type.media_type().to_owned(),
    };
    let mut response = (StatusCode::CREATED, axum::Json(body)).into_response();
    stamp(response.headers_mut(), &receipt);
    Ok(response)
}

/// A file, for those who may read it. Honours `Range` and `If-None-Match`; the `ETag` is the SHA-256.
#[utoipa::path(get, path = "/files/{id}", operation_id = "fileRead", tag = TAG,
    security((), ("bearer" = []), ("cookie" = [])),
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = FileContent, content_type = "application/octet-stream", description = "文件内容，类型见 Content-Type"),
        (status = 206, body = FileContent, content_type = "application/octet-stream", description = "所请求的一段"),
    ))]
async fn read(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    mut asked: Asked,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    asked.see(&state, &Files).await?;
    let found = read_model::get(&state.db, &asked.caller.actor, FileId(id), state.app.clock.now()).await?;
    let mut file = found.ok_or_else(Problem::not_found)?;
    let tag = format!("\"{}\"", file.sha256);
    if asked.knows(&tag) {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        asked.stamp(response.headers_mut(), &tag);
        return Ok(response);
    }
    let size = u64::try_from(file.size).map_err(|error| Problem::internal(&error))?;
    let range = range::asked_for(&headers, &tag, size)?;
    let disposition = disposition(&state, &mut file).await?;
    let length = range.as_ref().map_or(size, |range| range.end - range.start);
    let bytes = state.files.read(&file.sha256, range.clone()).await.map_err(|error| unavailable(&error))?;
    let mut response = Body::from_stream(bytes).into_response();
    let out = response.headers_mut();
    if let Some(range) = range {
        let part = format!("bytes {}-{}/{size}", range.start, range.end - 1);
        out.insert(header::CONTENT_RANGE, text(&part));
    }
    out.insert(header::CONTENT_TYPE, text(&file.content_type));
    out.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    out.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    out.insert(header::CONTENT_DISPOSITION, text(&disposition));
    asked.stamp(out, &tag);
    if out.contains_key(header::CONTENT_RANGE) {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

/// Pictures are shown, documents saved; under the name that the owner gave, as far as it is known to the reader.
async fn disposition(state: &AppState, file: &mut FileRow) -> Result<String, Problem> {
    let content_type: ContentType = serde_json::from_value(file.content_type.clone().into())
        .map_err(|error| Problem::internal(&error))?;
    let mut name = file.name.take();
    reveal(&state.vault, &mut name.iter_mut().collect::<Vec<_>>(), Show::Full).await?;
    let name = shown_name(name.as_ref().and_then(|name| name.as_str()), content_type);
    let kind = if content_type.is_image() { "inline" } else { "attachment" };
    Ok(format!("{kind}; filename*=UTF-8''{}", percent_encoded(&name)))
}

/// RFC 8187, section 3.2.1.
pub(crate) fn percent_encoded(name: &str) -> String {
    use std::fmt::Write as _;
    name.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// What we write into headers is visible ASCII.
fn text(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static(""))
}

pub(crate) fn busy(busy: Busy) -> Problem {
    let (status, code, detail) = match busy {
        Busy::Owner => {
            let detail = "您同时上传的文件较多，请等前面的文件上传完成";
            (StatusCode::TOO_MANY_REQUESTS, "file.too_many_at_once", detail)
        }
        Busy::Everybody => (StatusCode::SERVICE_UNAVAILABLE, "file.busy", "当前上传的人较多，请稍后再试"),
    };
    Problem::new(status, code, detail).retry_after(2)
}

/// 503: the store or the scanner is away; nothing was taken in.
pub(crate) fn unavailable(error: &FilesError) -> Problem {
    match error {
        // The read model says that it is there.
        lost if lost.is_missing() => Problem::internal(lost),
        FilesError::Scanner(_) => {
            tracing::error!(error = error as &dyn std::error::Error, "the scanner cannot be asked");
            let detail = "安全检查服务暂时不可用，文件未保存，请稍后再试";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "file.scanner_unavailable", detail).retry_after(30)
        }
        FilesError::Store(_) | FilesError::Folder(_) | FilesError::Setup(_) => {
            tracing::error!(error = error as &dyn std::error::Error, "the file store cannot be used");
            let detail = "文件存储暂时不可用，请稍后再试";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "file.store_unavailable", detail).retry_after(5)
        }
    }
}

/// A field that names files: its JSON pointer, its files in order, and what belongs there.
pub(crate) struct FileField<'a> {
    pointer: &'a str,
    files: &'a [Uuid],
    is_list: bool,
    images_only: bool,
}

impl<'a> FileField<'a> {
    /// A list of file ids at `pointer`.
    pub fn list(pointer: &'a str, files: &'a [Uuid]) -> Self {
        Self { pointer, files, is_list: true, images_only: false }
    }

    /// A value at `pointer` that is a file id, or has some in it.
    pub fn single(pointer: &'a str, files: &'a [Uuid]) -> Self {
        Self { pointer, files, is_list: false, images_only: false }
    }

    /// Only pictures belong there.
    pub fn images_only(self) -> Self {
        Self { images_only: true, ..self }
    }
}

/// Refuses a profile with files that the caller may not put there.
pub(crate) async fn check_profile(
    state: &AppState,
    caller: &Caller,
    profile: &Profile,
    park: Option<ParkId>,
) -> Result<(), Problem> {
    let fields = [
        FileField::list("/profile/images", &profile.images).images_only(),
        FileField::list("/profile/certificates", &profile.certificates),
    ];
    check(state, caller, &fields, park).await
}

/// Refuses files that are not there, were not accepted, or are neither the caller's own nor on something of `park`
/// already: all the same to the caller, who may not learn what others uploaded.
///
/// A file may have been uploaded a moment ago: what the read model does not know yet is looked up in its history.
pub(crate) async fn check(
    state: &AppState,
    caller: &Caller,
    fields: &[FileField<'_>],
    park: Option<ParkId>,
) -> Result<(), Problem> {
    let ids: Vec<Uuid> = fields.iter().flat_map(|field| field.files).copied().collect();
    if ids.is_empty() {
        return Ok(());
    }
    let known = read_model::usable(&state.db, &caller.actor, &ids, park).await?;
    let mut usable: HashMap<Uuid, bool> =
        known.into_iter().map(|file| (file.id, file.content_type.starts_with("image/"))).collect();
    for id in ids {
        if usable.contains_key(&id) {
            continue;
        }
        let file = state.app.load::<StoredFile>(id).await?.state;
        if let Some(uploaded) = file.uploaded.as_ref().filter(|_| file.is_usable_by(&caller.actor)) {
            usable.insert(id, uploaded.content.content_type.is_image());
        }
    }
    let errors: Vec<FieldError> = fields.iter().flat_map(|field| wrong_files(field, &usable)).collect();
    if errors.is_empty() { Ok(()) } else { Err(Problem::invalid(errors)) }
}

fn wrong_files(field: &FileField<'_>, usable: &HashMap<Uuid, bool>) -> Vec<FieldError> {
    let wrong = |(index, id): (usize, &Uuid)| {
        let pointer =
            if field.is_list { format!("{}/{index}", field.pointer) } else { field.pointer.to_owned() };
        match usable.get(id) {
            None => Some(FieldError::new(pointer, "file.not_found", "没有找到该文件，请重新上传")),
            Some(false) if field.images_only => {
                let detail = "这里只能放图片（PNG、JPEG、WebP）";
                Some(FieldError::new(pointer, "file.not_image", detail))
            }
            Some(_) => None,
        }
    };
    field.files.iter().enumerate().filter_map(wrong).collect()
}
