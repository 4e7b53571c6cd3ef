//! Commands that read a page: history, and who is present.

use super::Shard;
use super::commands::failure;
use super::session::{PAGE_WEIGHT, may};
use super::table::Key;
use super::work::Pending;
use crate::contract::{Effect, Fault, Page, PageLimit, PresencePage};
use crate::host::Host;
use crate::settings::{Access, Namespace};
use tidewire_hub_proto::command::HistoryPage;
use tidewire_hub_proto::{Channel, Command, CommandId, ErrorCode, Reply};

impl<H: Host> Shard<H> {
    /// Whether the session may have a page of a channel, which is under way then; if it may not, the
    /// command is answered. `what`: what it may not do.
    fn begin_page(
        &mut self,
        session: Key,
        id: &Option<CommandId>,
        channel: &Channel,
        access: impl Fn(&Namespace) -> Access,
        what: &str,
        host: &mut H,
    ) -> bool {
        let Some(namespace) = self.namespace(session, id, channel, host) else {
            return false;
        };
        let Some(known) = self.sessions.get(session) else {
            return false;
        };
        if !may(access(&namespace), &known.origin, channel) {
            let message = format!("this session may not {what} {channel}");
            let reply = Reply::error(ErrorCode::Forbidden, message);
            self.answer(session, id.clone(), reply, host);
            return false;
        }
        self.begin(session, PAGE_WEIGHT);
        true
    }

    pub(super) fn history(
        &mut self,
        session: Key,
        id: Option<CommandId>,
        channel: Channel,
        page: HistoryPage,
        limit: u32,
        host: &mut H,
    ) {
        let access = |namespace: &Namespace| namespace.subscribe;
        if !self.begin_page(session, &id, &channel, access, "read", host) {
            return;
        }
        let limit = PageLimit {
            records: limit.clamp(1, Command::MAX_LIMIT) as usize,
            bytes: self.settings.limits.page_bytes,
        };
        let pending = Pending::History {
            session,
            id,
            channel: channel.clone(),
        };
        let effect = match page {
            HistoryPage::Newest => Effect::ReadBack {
                channel,
                before: None,
                limit,
            },
            HistoryPage::Before(before) => Effect::ReadBack {
                channel,
                before: Some(before),
                limit,
            },
            HistoryPage::After(after) => Effect::Read {
                channel,
                after,
                limit,
            },
        };
        self.submit(pending, effect, host);
    }

    pub(super) fn history_read(
        &mut self,
        session: Key,
        id: Option<CommandId>,
        channel: Channel,
        page: Result<Page, Fault>,
        host: &mut H,
    ) {
        let reply = match page {
            Ok(Page {
                mut records,
                head,
                more,
            }) => {
                if let Some(known) = self.sessions.get(session) {
                    // A key is its publisher's affair.
                    for record in &mut records {
                        record.key = record
                            .key
                            .take()
                            .filter(|_| known.origin.is_same(&record.from));
                    }
                }
                Reply::History {
                    channel,
                    messages: records,
                    pos: head,
                    more,
                }
            }
            Err(fault) => failure(&fault),
        };
        self.answer_pending(session, id, PAGE_WEIGHT, reply, host);
    }

    pub(super) fn presence(
        &mut self,
        session: Key,
        id: Option<CommandId>,
        channel: Channel,
        after: Option<Box<str>>,
        limit: u32,
        host: &mut H,
    ) {
        let access = |namespace: &Namespace| namespace.presence;
        if !self.begin_page(session, &id, &channel, access, "see who is in", host) {
            return;
        }
        let limit = limit.clamp(1, Command::MAX_LIMIT) as usize;
        let pending = Pending::Presence {
            session,
            id,
            channel: channel.clone(),
        };
        self.submit(
            pending,
            Effect::Members {
                channel,
                after,
                limit,
            },
            host,
        );
    }

    pub(super) fn presence_read(
        &mut self,
        session: Key,
        id: Option<CommandId>,
        channel: Channel,
        page: Result<PresencePage, Fault>,
        host: &mut H,
    ) {
        let reply = match page {
            Ok(PresencePage {
                v,
                members,
                total,
                more,
            }) => Reply::Presence {
                channel,
                v,
                members,
                total,
                more,
            },
            Err(fault) => failure(&fault),
        };
        self.answer_pending(session, id, PAGE_WEIGHT, reply, host);
    }
}
