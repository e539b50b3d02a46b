//! A workbook on its way in, to be read and not kept: a form with the field `file` and short texts beside it.
//!
//! Always: the file lies on disk without a name and is gone when it is dropped; nothing of the body is read before
//! [`WorkbookUpload::receive`], so the handler says first who may.

use std::collections::BTreeMap;
use std::fs::File;

use axum::body::Body;
use axum::extract::multipart::Field;
use axum::extract::{FromRequest, FromRequestParts, Multipart, Request};
use axum::http::StatusCode;
use infrastructure::sheet::{Limits, SheetRefusal};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;

use super::{FIELD, FORM_BYTES_MAX, OneByOne, declared_length, in_time, wrong};
use crate::actor::Caller;
use crate::command::Named;
use crate::problem::Problem;
use crate::state::AppState;

/// Longest text beside the file: tokens and answers to yes or no.
const TEXT_BYTES_MAX: usize = 1024;

/// Largest workbook: what its reader takes.
fn file_bytes_max() -> u64 {
    Limits::default().file_bytes_max
}

/// Largest body of the form.
pub(crate) fn workbook_body_bytes_max() -> usize {
    usize::try_from(file_bytes_max() + FORM_BYTES_MAX).expect("10 MB fit into memory addresses")
}

/// A request to read a workbook, of which nothing was read yet.
pub(crate) struct WorkbookUpload {
    /// Who.
    pub caller: Caller,
    request: Request,
}

/// A form that came in whole.
pub(crate) struct ReceivedWorkbook {
    /// Who.
    pub caller: Caller,
    /// Key and the like.
    pub named: Named,
    /// The workbook.
    pub file: File,
    /// Of its bytes, in hex.
    pub sha256: String,
    /// The texts, by name.
    pub texts: BTreeMap<String, String>,
}

impl FromRequest<AppState> for WorkbookUpload {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let caller = Caller::from_request_parts(&mut parts, state).await?;
        Ok(Self { caller, request: Request::from_parts(parts, body) })
    }
}

impl WorkbookUpload {
    /// Reads the form to its end; fields besides the file and `texts` are refused.
    pub async fn receive(self, state: &AppState, texts: &[&str]) -> Result<ReceivedWorkbook, Problem> {
        let (parts, body) = self.request.into_parts();
        let named = Named::begin(&parts, &self.caller, state)?;
        if declared_length(&parts.headers).is_some_and(|length| length > file_bytes_max() + FORM_BYTES_MAX) {
            return Err(too_large());
        }
        let body = Body::from_stream(OneByOne { body: body.into_data_stream(), rested: true });
        let form = Multipart::from_request(Request::from_parts(parts, body), state).await;
        let mut form = form.map_err(|_no_form| {
            let detail = "请以 multipart/form-data 提交，文件放在 file 一项";
            Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "request.media_type", detail)
        })?;
        let (mut found, mut said) = (None, BTreeMap::new());
        while let Some(field) = in_time(form.next_field()).await? {
            let name: String = field.name().unwrap_or_default().chars().take(64).collect();
            let pointer = format!("/{name}");
            if name == FIELD && found.is_none() {
                found = Some(receive_file(field).await?);
            } else if name == FIELD || said.contains_key(&name) {
                return Err(wrong(&pointer, "field.duplicate", "这一项只能有一个"));
            } else if texts.contains(&name.as_str()) {
                let text = receive_text(field, &pointer).await?;
                said.insert(name, text);
            } else {
                return Err(wrong(&pointer, "field.unknown", "没有这一项"));
            }
        }
        let (file, sha256) = found.ok_or_else(|| wrong("/file", "field.required", "请选择要上传的文件"))?;
        Ok(ReceivedWorkbook { caller: self.caller, named, file, sha256, texts: said })
    }
}

async fn receive_file(mut field: Field<'_>) -> Result<(File, String), Problem> {
    let failed = |error: std::io::Error| Problem::internal(&error);
    let mut file = tokio::fs::File::from_std(tempfile::tempfile().map_err(failed)?);
    let (mut hash, mut size) = (Sha256::new(), 0);
    while let Some(bytes) = in_time(field.chunk()).await? {
        size += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if size > file_bytes_max() {
            return Err(too_large());
        }
        hash.update(&bytes);
        file.write_all(&bytes).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)?;
    Ok((file.into_std().await, hex::encode(hash.finalize())))
}

async fn receive_text(mut field: Field<'_>, pointer: &str) -> Result<String, Problem> {
    let mut text = Vec::new();
    while let Some(bytes) = in_time(field.chunk()).await? {
        text.extend_from_slice(&bytes);
        if text.len() > TEXT_BYTES_MAX {
            return Err(wrong(pointer, "field.too_long", "内容过长"));
        }
    }
    String::from_utf8(text).map_err(|_| wrong(pointer, "field.invalid", "应为 UTF-8 文本"))
}

fn too_large() -> Problem {
    Problem::refused(SheetRefusal::TooLarge { bytes_max: file_bytes_max() })
}
