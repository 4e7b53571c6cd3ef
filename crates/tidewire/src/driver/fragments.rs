//! How messages that are sent in parts are queued.

use super::core::{COPY_LIMIT, Core};
use super::scratch::Tools;
use bytes::Bytes;
use tidewire_proto::{Kind, SendError};

impl Core {
    /// Queues the next part of a message; `fin` ends it. Not copied if it is large and can go out as
    /// it is. `compress`: the same for all parts of a message.
    pub(crate) fn queue_fragment(
        &mut self,
        kind: Kind,
        fin: bool,
        payload: Bytes,
        compress: bool,
        tools: &mut Tools,
    ) -> Result<(), SendError> {
        let compress = compress && self.connection.compression().is_some();
        if compress && fin && !self.connection.is_fragmenting() {
            return self.queue_shared(kind, payload, tools);
        }
        self.collect_control(tools);
        if !compress && payload.len() > COPY_LIMIT {
            let head = self
                .connection
                .send_fragment_head(kind, fin, payload.len())?;
            if let Some(head) = head {
                self.append(tools, |out| out.extend_from_slice(head.as_bytes()));
                self.traffic.sent.part(payload.len(), fin);
                self.outbox.push_shared(payload);
                return Ok(());
            }
        }
        let (connection, outbox) = self.parts(tools);
        let Tools { pool, masks, .. } = tools;
        outbox.append(|out| {
            if compress {
                connection.send_fragment_compressed(kind, fin, &payload, masks, pool, out)
            } else {
                connection.send_fragment(kind, fin, &payload, masks, out)
            }
        })?;
        self.traffic.sent.part(payload.len(), fin);
        Ok(())
    }

    /// Queues what the compressor holds back of the message under way.
    pub(crate) fn flush_fragments(&mut self, tools: &mut Tools) -> Result<(), SendError> {
        if !self.connection.is_fragmenting() {
            return Ok(());
        }
        let (connection, outbox) = self.parts(tools);
        outbox.append(|out| connection.flush_fragments(&mut tools.masks, out))
    }
}
