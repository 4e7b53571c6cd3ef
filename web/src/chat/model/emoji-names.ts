// The emoji of the picker, each with its names; the first is its shortcode.

const LIST = `😀 grinning happy|😃 smiley happy|😄 smile happy joy|😁 grin|😆 laughing haha|😅 sweat_smile relief|🤣 rofl laugh|😂 joy tears laugh|🙂 slight_smile|🙃 upside_down
😉 wink|😊 blush happy|😇 innocent angel|🥰 loving hearts|😍 heart_eyes love|🤩 star_struck wow|😘 kiss|😋 yum tasty|😜 tongue wink|🤪 zany crazy
🤗 hug|🤭 oops giggle|🤫 shush quiet|🤔 thinking hmm|🤐 zipper_mouth secret|🤨 raised_eyebrow doubt|😐 neutral|😶 no_mouth silent|😏 smirk|🙄 eye_roll
😬 grimace|😌 relieved calm|😴 sleeping tired|🤒 sick ill|🤧 sneeze cold|🥵 hot|🥶 freezing cold|🤯 mind_blown exploding|🥳 party celebrate|😎 cool sunglasses
🤓 nerd|😕 confused|😟 worried|🙁 frown sad|😮 open_mouth surprised|😳 flushed|🥺 pleading please|😢 cry sad|😭 sob cry|😱 scream fear
😞 disappointed sad|😩 weary|🥱 yawn bored|😤 huff|😡 rage angry|🤬 swearing|💀 skull dead|👻 ghost|🤖 robot bot|💩 poop
👋 wave hello bye|👍 thumbs_up +1 yes like|👎 thumbs_down -1 no|👌 ok_hand|✌️ victory peace|🤞 fingers_crossed luck|🤙 call_me|👈 point_left|👉 point_right|👆 point_up
👇 point_down|✊ fist|👏 clap applause|🙌 raised_hands hooray|🤝 handshake deal|🙏 pray thanks please|💪 muscle strong|👀 eyes look|🧠 brain|🤷 shrug
🤦 facepalm|🙋 raising_hand question|🏃 run|💃 dance|👶 baby|🧑‍💻 technologist coder|❤️ heart love red|🧡 orange_heart|💛 yellow_heart|💚 green_heart
💙 blue_heart|💜 purple_heart|🖤 black_heart|💔 broken_heart|💯 hundred 100|💥 boom|💫 dizzy|💤 zzz sleep|✨ sparkles|⭐ star
🔥 fire hot|🎉 tada party|🎊 confetti|🎁 gift present|🎂 cake birthday|🏆 trophy win|🥇 first gold medal|⚽ football soccer|🎮 game|🎵 music note
🐶 dog|🐱 cat|🦊 fox|🐻 bear|🐼 panda|🐸 frog|🐵 monkey|🦄 unicorn|🐝 bee|🐛 bug
🦋 butterfly|🐢 turtle slow|🐙 octopus|🐳 whale|🌵 cactus|🌲 tree|🌸 blossom flower|🌹 rose|🍀 clover luck|🌈 rainbow
☀️ sun|⛅ cloud|🌧️ rain|⚡ lightning fast|❄️ snow|🌊 wave_water sea|🌙 moon|🌍 earth world|🍎 apple|🍌 banana
🍓 strawberry|🥑 avocado|🍕 pizza|🍔 burger|🍟 fries|🌮 taco|🍣 sushi|🍪 cookie|🍫 chocolate|☕ coffee
🍵 tea|🍺 beer|🍷 wine|🥂 cheers toast|🚀 rocket ship launch|✈️ plane|🚗 car|🚲 bike|🏠 house home|⏰ alarm clock
⏳ hourglass wait|📅 calendar date|📌 pin|📎 paperclip|✏️ pencil|📝 memo note|📈 chart up|📉 chart_down|💡 idea bulb|🔒 lock
🔑 key|🔔 bell|🔍 search magnifier|💻 laptop computer|📱 phone|📷 camera|💰 money|🛠️ tools fix|⚙️ gear settings|✅ check done yes
❌ cross no|⚠️ warning|❓ question|❗ exclamation|➕ plus|🚫 forbidden|♻️ recycle|🆗 ok|🔴 red_circle|🟢 green_circle`;

export interface Emoji {
  sign: string;
  code: string;
  words: string;
}

export const EMOJI: readonly Emoji[] = LIST.split(/[|\n]/).map((entry) => {
  const [sign = "", code = "", ...more] = entry.split(" ");
  return { sign, code, words: [code.replaceAll("_", " "), ...more].join(" ") };
});
