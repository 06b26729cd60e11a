// The camera: what it sees, and a picture taken from that.
import { h } from "./shared.js";

// Phones use the camera on their back. A page of writing needs many pixels.
const WANTED = { facingMode: "environment", width: 1920, height: 1440 };
const JPEG_QUALITY = 0.95; // no artefacts around thin strokes

const NONE = "No camera was found. Connect one, or choose a picture instead.";
const ERRORS = {
    NotAllowedError:
        "The camera is blocked. Allow it for this page in the browser’s settings, then try again.",
    NotFoundError: NONE,
    OverconstrainedError: NONE,
};
const IN_USE = "The camera is not available. Close other programs that use it, then try again.";
const LOST = "The camera was switched off or disconnected. Connect it, then try again.";
const INSECURE =
    "The camera works only on https:// pages or on the computer that runs the page. Choose a picture instead.";

// What an error of getUserMedia means, and what to do about it.
export const explained = ({ name }) => ERRORS[name] ?? IN_USE;

const stop = (stream) => {
    for (const track of stream.getTracks()) track.stop();
};

// Calls `take` with a File, `fail` with a sentence, `leave` on Cancel or when the camera is hidden.
export const createCamera = ({ take, fail, leave }) => {
    let stream = null;
    let opened = 0; // number of the latest time that it was opened or closed
    const video = h("video", {
        autoplay: true,
        playsinline: true, // not in full screen, as phones would
        "aria-label": "What the camera sees",
        onloadeddata: () => {
            shutter.disabled = false;
        },
    });
    const capture = () => {
        const mine = opened;
        const canvas = h("canvas", { width: video.videoWidth, height: video.videoHeight });
        canvas.getContext("2d").drawImage(video, 0, 0);
        canvas.toBlob(
            (blob) => {
                if (mine === opened) take(new File([blob], "From the camera.jpg"));
            },
            "image/jpeg",
            JPEG_QUALITY,
        );
    };
    const shutter = h("button", { type: "button", onclick: capture }, "Take the picture");
    const cancel = h("button", { type: "button", onclick: leave }, "Cancel");

    const close = () => {
        opened += 1;
        if (stream) stop(stream);
        stream = null;
        video.srcObject = null;
        shutter.disabled = true;
    };
    const open = async () => {
        close();
        const mine = opened;
        try {
            if (!navigator.mediaDevices) return fail(INSECURE);
            const found = await navigator.mediaDevices.getUserMedia({ video: WANTED });
            if (mine !== opened) return stop(found);
            stream = found;
            for (const track of stream.getTracks()) track.onended = () => fail(LOST);
            video.srcObject = stream;
        } catch (error) {
            if (mine === opened) fail(explained(error));
        }
    };
    // Another tab was opened.
    new ResizeObserver(() => {
        if (video.isConnected && !video.offsetParent) leave();
    }).observe(video);
    return { video, buttons: [shutter, cancel], open, close };
};
