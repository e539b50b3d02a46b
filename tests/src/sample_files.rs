//! Files as people upload them, each just enough to be what it is, and the form they travel in.

/// A picture of one pixel.
pub fn png() -> Vec<u8> {
    let header = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89";
    let pixel = b"\0\0\0\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\0\x05\0\x01\xff\x89\x99=\x1d";
    [&header[..], pixel, b"\0\0\0\0IEND\xaeB`\x82"].concat()
}

/// A picture of `size` bytes that begins like one of a camera.
pub fn jpeg(size: usize) -> Vec<u8> {
    filled(b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0", size)
}

/// A document of `size` bytes.
pub fn pdf(size: usize) -> Vec<u8> {
    filled(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n", size)
}

/// An Office document with these parts besides the list of their types; all of them empty.
pub fn office(parts: &[&str]) -> Vec<u8> {
    zip(&[&["[Content_Types].xml", "_rels/.rels"], parts].concat())
}

/// A ZIP archive of empty entries.
pub fn zip(names: &[&str]) -> Vec<u8> {
    let (mut entries, mut directory) = (Vec::new(), Vec::new());
    for name in names {
        let length = short(name.len());
        let offset = long(entries.len());
        entries.extend([&b"PK\x03\x04\x14\0"[..], &[0; 20], &length, &[0; 2], name.as_bytes()].concat());
        let entry = [&b"PK\x01\x02\x14\0\x14\0"[..], &[0; 20], &length, &[0; 12], &offset, name.as_bytes()];
        directory.extend(entry.concat());
    }
    let count = short(names.len());
    let sizes = [directory.len(), entries.len()].map(long);
    let end = [&b"PK\x05\x06"[..], &[0; 4], &count, &count, &sizes[0], &sizes[1], &[0; 2]];
    [entries, directory, end.concat()].concat()
}

fn short(number: usize) -> [u8; 2] {
    u16::try_from(number).unwrap().to_le_bytes()
}

fn long(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap().to_le_bytes()
}

fn filled(head: &[u8], size: usize) -> Vec<u8> {
    let mut bytes = head.to_vec();
    bytes.resize(size.max(head.len()), b'z');
    bytes
}

/// Content type and body of a form with these fields: name, file name, bytes.
pub fn form(fields: &[(&str, &str, &[u8])]) -> (String, Vec<u8>) {
    form_with("zsq-boundary", fields)
}

/// The same with another line between its fields.
pub fn form_with(boundary: &str, fields: &[(&str, &str, &[u8])]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (name, file_name, bytes) in fields {
        let head = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"{file_name}\"\r\n\
             content-type: application/octet-stream\r\n\r\n"
        );
        body.extend([head.as_bytes(), bytes, b"\r\n"].concat());
    }
    body.extend(format!("--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}
