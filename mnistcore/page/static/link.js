// A drawing as letters for a link, and back: the strokes themselves, so that the copy is exact.
// In bytes: a checksum of two; of each stroke its width, plus 64 where it erases, the number of
// its points, and each point's way from the one before in quarters of a unit. A picture is 0, the
// number of its bytes, and its PNG.
const QUARTER = 0.25; // units between the places that a point can have
const LONGEST = 8000; // letters; longer links are cut off by programs that pass them on
const PNG = "data:image/png;base64,";
const checksum = (bytes) => bytes.reduce((sum, byte) => (31 * sum + byte) % 65521, 1);

// Letters for operations, null for more of them than a link can hold.
const encode = (operations) => {
    const bytes = [];
    const put = (n) => { // 7 bits a byte, the lowest first; the eighth says that more follow
        for (; n > 127; n = Math.floor(n / 128)) bytes.push(128 + (n % 128));
        bytes.push(n);
    };
    const putWay = (way) => put(way < 0 ? (-2 * way) / QUARTER - 1 : (2 * way) / QUARTER);
    for (const { points, width, erase, image } of operations) {
        if (image) {
            const png = atob(image.src.slice(PNG.length));
            put(0);
            put(png.length);
            for (const letter of png) bytes.push(letter.charCodeAt(0));
            continue;
        }
        put(width + (erase ? 64 : 0));
        put(points.length);
        points.forEach(([x, y], i) => {
            const [left, top] = points[i - 1] ?? [0, 0];
            putWay(x - left);
            putWay(y - top);
        });
    }
    if (bytes.length * 4 > LONGEST * 3 - 16) return null;
    const sum = checksum(bytes);
    const letters = btoa(String.fromCharCode(sum >> 8, sum & 255, ...bytes));
    return letters.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
};

// Operations from letters; throws where these are damaged.
const decode = async (letters) => {
    const refuse = () => { throw new RangeError("damaged"); };
    if (letters.length > LONGEST) refuse();
    const text = atob(letters.replaceAll("-", "+").replaceAll("_", "/"));
    const [high, low, ...bytes] = Array.from(text, (letter) => letter.charCodeAt(0));
    if (256 * high + low !== checksum(bytes)) refuse();
    let at = 0;
    const take = () => {
        for (let n = 0, unit = 1; at < bytes.length && unit < 2 ** 28; unit *= 128) {
            n += unit * (bytes[at] % 128);
            if (bytes[at++] < 128) return n;
        }
        return refuse();
    };
    const takeWay = () => {
        const n = take();
        return (QUARTER * (n % 2 ? -n - 1 : n)) / 2;
    };
    const operations = [];
    while (at < bytes.length) {
        const [kind, count] = [take(), take()];
        if (count < 1 || count > bytes.length - at) refuse();
        if (kind === 0) {
            const image = new Image();
            image.src = PNG + btoa(String.fromCharCode(...bytes.slice(at, at + count)));
            await image.decode();
            at += count;
            operations.push({ image });
            continue;
        }
        const [width, erase] = [kind % 64, kind >= 64];
        if (kind > 127 || width < THINNEST || width > THICKEST) refuse();
        let point = [0, 0];
        const points = Array.from({ length: count }, () => {
            point = [point[0] + takeWay(), point[1] + takeWay()];
            return point;
        });
        operations.push({ points, width, erase });
    }
    return operations;
};
