// The net of this visitor alone, "Yours": trained here, taught or uploaded. It lies on the server in a
// folder whose name, the token, nobody else knows; among the nets it is "LeNet@<token>". A newer net
// takes its place, and can give it back; the one before that is lost.
import { keep, kept } from "./memory.js";
import { say } from "./shared.js";

const KEY = "yours";

// What this tab has kept; null if there is nothing that can be read.
const stored = () => {
    try {
        const { token, net, about = "", other = null } = JSON.parse(kept(KEY));
        return token && net ? { token, net, about, other } : null;
    } catch {
        return null;
    }
};

let mine = stored();

const change = (now, isChosen) => {
    mine = now;
    keep(KEY, now ? JSON.stringify(now) : "");
    say("yours", isChosen);
};

// {token, net, about, other}; null as long as there is none. `other` is the net that it replaced, or
// was replaced by, if there is one.
export const yours = () => mine;

// Makes a net the visitor's own in place of the one before, and chooses it if it is to be chosen.
// `about` says in a short sentence how it came to be: "trained here: 3 epochs on 55,000 images".
export const setYours = ({ token, net, about }, isChosen) =>
    change({ token, net, about, other: mine ? { ...mine, other: null } : null }, isChosen);

// Puts the other net in its place, and this one in that of the other.
export const swapYours = () => change({ ...mine.other, other: { ...mine, other: null } }, true);

// The server no longer has it; the other net, if there is one, takes its place. choice.js decides
// whether it is chosen.
export const forgetYours = () => change(mine.other, false);

// Its name among the nets; null as long as there is none.
export const yoursName = () => mine && `${mine.net}@${mine.token}`;

// The architecture of a net: "LeNet" of LeNet and of one's own LeNet.
export const architectureOf = (net) => net.split("@")[0];

// A net in the middle of a sentence: "LeNet", "your LeNet".
export const titleOf = (net) => (net.includes("@") ? `your ${architectureOf(net)}` : net);
