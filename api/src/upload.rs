//! A file on its way in: a form of one field `file`, read piece by piece straight into quarantine.
//!
//! Always: nothing of the body is read before the caller may upload; memory does not grow with the file; the file is
//! complete only when the end of the form came, so a connection that breaks leaves nothing; who sends nothing for a while
//! is cut off.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use application::access::Action;
use axum::body::{Body, BodyDataStream};
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, FromRequestParts, Multipart, Request};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use domain::refusal::FieldError;
use domain::stored_file::{DOCUMENT_BYTES_MAX, Inspection, Recognised, StoredFileError};
use futures::Stream;
use infrastructure::files::{Incoming, Quarantined};

use crate::actor::Caller;
use crate::command::Named;
use crate::files::unavailable;
use crate::problem::Problem;
use crate::state::AppState;

mod workbook;
pub(crate) use workbook::{ReceivedWorkbook, WorkbookUpload, workbook_body_bytes_max};

/// What a form takes besides its file: boundaries, headers, a long name.
const FORM_BYTES_MAX: u64 = 64 * 1024;
/// Largest body of an upload.
pub(crate) const UPLOAD_BYTES_MAX: u64 = DOCUMENT_BYTES_MAX + FORM_BYTES_MAX;
/// Longest silence of a client in the middle of its file.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// The field.
const FIELD: &str = "file";

/// A request to upload.
pub(crate) struct Upload {
    /// Who.
    pub caller: Caller,
    /// Key and the like.
    pub named: Named,
    form: Multipart,
}

/// A file that came in whole.
pub(crate) struct Received {
    /// Its bytes.
    pub file: Quarantined,
    /// What they begin with.
    pub recognised: Recognised,
    /// What the client calls it.
    pub name: Option<String>,
}

impl FromRequest<AppState> for Upload {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let caller = Caller::from_request_parts(&mut parts, state).await?;
        caller.may(Action::UploadFile)?;
        let named = Named::begin(&parts, &caller, state)?;
        if declared_length(&parts.headers).is_some_and(|length| length > UPLOAD_BYTES_MAX) {
            return Err(Problem::refused(StoredFileError::TooLarge { bytes_max: DOCUMENT_BYTES_MAX }));
        }
        let body = Body::from_stream(OneByOne { body: body.into_data_stream(), rested: true });
        let form = Multipart::from_request(Request::from_parts(parts, body), state).await;
        let form = form.map_err(|_no_form| {
            let detail = "请以 multipart/form-data 提交，文件放在 file 一项";
            Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "request.media_type", detail)
        })?;
        Ok(Self { caller, named, form })
    }
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads the form to its end, the file into `incoming`.
pub(crate) async fn receive(mut form: Multipart, incoming: Incoming) -> Result<Received, Problem> {
    let mut incoming = Some(incoming);
    let mut received = None;
    while let Some(field) = in_time(form.next_field()).await? {
        let name = field.name().unwrap_or_default().to_owned();
        if name != FIELD {
            let pointer = format!("/{}", name.chars().take(64).collect::<String>());
            return Err(wrong(&pointer, "field.unknown", "没有这一项"));
        }
        let incoming =
            incoming.take().ok_or_else(|| wrong("/file", "field.duplicate", "每次只能上传一个文件"))?;
        received = Some(receive_file(field, incoming).await?);
    }
    received.ok_or_else(|| wrong("/file", "field.required", "请选择要上传的文件"))
}

async fn receive_file(mut field: Field<'_>, mut incoming: Incoming) -> Result<Received, Problem> {
    let name = field.file_name().map(str::to_owned);
    let mut inspection = Inspection::default();
    while let Some(bytes) = in_time(field.chunk()).await? {
        inspection.take(&bytes).map_err(Problem::refused)?;
        incoming.write(bytes).await.map_err(|error| unavailable(&error))?;
    }
    let recognised = inspection.end().map_err(Problem::refused)?;
    let file = incoming.finish().await.map_err(|error| unavailable(&error))?;
    Ok(Received { file, recognised, name })
}

impl Upload {
    /// The parts.
    pub fn split(self) -> (Caller, Named, Multipart) {
        (self.caller, self.named, self.form)
    }
}

fn wrong(pointer: &str, code: &str, detail: &str) -> Problem {
    Problem::invalid(vec![FieldError::new(pointer, code, detail)])
}

/// The next piece, unless it does not come, or what came is no form.
async fn in_time<T>(piece: impl Future<Output = Result<T, MultipartError>>) -> Result<T, Problem> {
    let piece = tokio::time::timeout(SILENCE_MAX, piece).await.map_err(|_elapsed| {
        Problem::new(StatusCode::REQUEST_TIMEOUT, "file.upload_stalled", "上传中断，请重新上传")
    })?;
    piece.map_err(|error| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::refused(StoredFileError::TooLarge { bytes_max: DOCUMENT_BYTES_MAX })
        }
        _ => Problem::new(StatusCode::BAD_REQUEST, "file.upload_cut", "上传不完整，请重新上传"),
    })
}

/// A body that gives one piece for each time it is asked. The form's reader takes all there is before it hands anything
/// on; it would fill the memory as fast as the network can.
struct OneByOne {
    body: BodyDataStream,
    rested: bool,
}

impl Stream for OneByOne {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if !self.rested {
            self.rested = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = Pin::new(&mut self.body).poll_next(context);
        self.rested = polled.is_pending();
        polled
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const PIECES: usize = 500;

    /// A form whose file comes as fast as it is asked for, and how many pieces were asked for.
    async fn form(paced: bool) -> (Multipart, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = asked.clone();
        let head = "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n";
        let pieces = (0..PIECES).map(move |number| {
            counter.fetch_add(1, Ordering::Relaxed);
            let piece = if number == 0 { Bytes::from(head) } else { Bytes::from(vec![b'z'; 1_000]) };
            Ok::<_, std::io::Error>(piece)
        });
        let mut body = Body::from_stream(futures::stream::iter(pieces));
        if paced {
            body = Body::from_stream(OneByOne { body: body.into_data_stream(), rested: true });
        }
        let request = Request::post("/").header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
        let form = Multipart::from_request(request.body(body).unwrap(), &()).await.unwrap();
        (form, asked)
    }

    #[tokio::test]
    async fn no_more_is_read_than_is_written_on() {
        let (mut form, asked) = form(true).await;
        let mut field = form.next_field().await.unwrap().unwrap();
        for _ in 0..50 {
            let (before, piece) = (asked.load(Ordering::Relaxed), field.chunk().await.unwrap().unwrap());
            assert!(piece.len() <= 2_000, "{} bytes at once", piece.len());
            assert!(asked.load(Ordering::Relaxed) - before <= 2, "the reader ran ahead");
        }
    }

    #[tokio::test]
    async fn the_form_reader_alone_would_take_all_there_is() {
        let (mut form, asked) = form(false).await;
        let _field = form.next_field().await.unwrap().unwrap();
        assert_eq!(asked.load(Ordering::Relaxed), PIECES, "if this fails, OneByOne has become needless");
    }
}
