"""Messages of the area: a client that the server itself brings over ssh, `push` of a host.  CLT060–079."""

from core.codes.page import Page

PAGES: tuple[Page, ...] = (
    Page("CLT060", "E", "There is no Python on the client",
         "The host has push, so the client is copied there and run by Python, and no python3 was found by the login's PATH.",
         "Install Python 3.11 or newer there, or Amanda's own client, and then without push."),
    Page("CLT061", "E", "The client's Python is too old",
         "The client needs Python 3.11 or newer. Tried were python3 and python3.11 to python3.14; what was found is shown.",
         "Install a newer Python beside the old one (many systems have a package python3.11), or Amanda's own client, and "
         "then without push."),
    Page("CLT062", "E", "There is no room for the client",
         "The copy of the client takes less than 1 MiB, and could not be written to where it is kept on the host.",
         "Make room there, name another directory with TAPEROOM_CLIENT_CACHE in the environment of the login, or use push = "
         "\"once\", which keeps it in memory only."),
    Page("CLT063", "E", "The client may not be put there",
         "The directory that keeps copies of the client cannot be made or written, belongs to another user, or others may "
         "write into it: /var/cache/taperoom-client for root, .cache/taperoom-client in the home of another user.",
         "Let the user of the login own it, with mode 0700; or name another one with TAPEROOM_CLIENT_CACHE in the environment "
         "of the login, or use push = \"once\"."),
    Page("CLT064", "E", "The client did not arrive whole",
         "The copy that came to the host was cut off or is not what was sent. It was not run.",
         "Nothing, if it was the network: it is sent anew the next time. Otherwise look for something on the way that changes "
         "what passes, such as a login that reads its input."),
    Page("CLT065", "E", "The client cannot be built",
         "With push the server builds the client out of its own packages clientd and core, and cannot read them.",
         "Install Taperoom whole on the server: pip install taperoom."),
)
