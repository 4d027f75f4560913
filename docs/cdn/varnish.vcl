# weir behind Varnish 6.0 or later (tested with 7.1, TestCaches): each object is fetched once, also while it grows or is held.
#
#   varnishd -a :80 -f varnish.vcl -s malloc,4G -p timeout_idle=75 -p thread_pool_min=200
#
# A playlist that is held until the next part is there, and a segment that is still being made, are ordinary misses:
# whoever asks for the same waits on the first request, and gets what comes as it comes. What spoils that is named below.

vcl 4.1;

import std;

backend weir {
    .host = "127.0.0.1";
    .port = "8080";
    .connect_timeout = 2s;
    .first_byte_timeout = 15s;     # weir holds a playlist or a part for 8 s at most
    .between_bytes_timeout = 15s;  # within a segment that is being made: longer than its slot waits for a late encoder
}

sub vcl_recv {
    if (req.method == "OPTIONS") {
        return (pass);
    }
    if (req.method != "GET" && req.method != "HEAD") {
        return (synth(405));
    }
    unset req.http.Cookie; # with one, the built-in rules would pass everything
    # weir reads three parameters. Any other (CMCD, a session's id) would make an object of its own for each viewer.
    set req.url = regsuball(req.url, "(?<=[?&])(?!_HLS_(?:msn|part|skip)=)[^&]*(?:&|$)", "");
    set req.url = std.querysort(regsub(req.url, "[?&]+$", ""));
    return (hash);
}

sub vcl_hash {
    hash_data(req.url); # the same under every name of this cache
    return (lookup);
}

sub vcl_backend_response {
    # Nothing stale: a playlist of some seconds ago is a stall. (By default Varnish serves it while it fetches a new one.)
    set beresp.grace = 0s;
    # A manifest that is fetched again is asked for by its ETag.
    set beresp.keep = 10s;
    # To those who wait, as it comes. Varnish's default; without it a segment that is being made would come when it is whole.
    set beresp.do_stream = true;
    if (beresp.status >= 400) {
        # "Not yet" and "not now", some with no-store. The built-in rules would remember for two minutes that this object
        # is not to be shared (hit-for-miss), and everybody would ask the origin for it. Shared for a moment it stays one request.
        set beresp.uncacheable = false;
        set beresp.ttl = 200ms;
        set beresp.keep = 0s;
        return (deliver);
    }
}
