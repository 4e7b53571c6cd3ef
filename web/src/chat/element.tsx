// <tidewire-chat>: a chat room for any page.
export {};
