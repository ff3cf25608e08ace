"""Messages of the area: clients by the transport tls.  CLT040–059, said by the server about a client, or by the client's
listener about whoever connects."""

from core.codes.page import Page

_WHO = "Seen from the server the other end is the client; in the log of a client's listener it is whoever connected."

PAGES: tuple[Page, ...] = (
    Page("CLT040", "E", "The client is not enrolled",
         "The transport tls needs a certificate for the client and an authority of this site, and there is none.",
         "Enrol it: taperoom client enrol HOST, and do on the client what that prints. Or use auth = \"ssh\"."),
    Page("CLT041", "E", "A certificate of another authority",
         f"The other end shows no certificate of this site's own authority, or none at all. {_WHO}",
         "A client of another site listens at that address, or the authority was made anew: correct address and port of the "
         "host, or enrol the client again. In a listener's log: somebody who is not the server; nothing was told to him."),
    Page("CLT042", "E", "The certificate of somebody else",
         f"The certificate is of the right authority, but names another client, or is not the server's. {_WHO}",
         "See that address and port lead to the right host. If the certificate was copied from another machine, revoke both "
         "and enrol again: taperoom client revoke HOST, taperoom client enrol HOST."),
    Page("CLT043", "E", "A certificate has expired",
         "The time of a certificate is over, or has not begun because a clock is wrong. Nothing was sent.",
         "taperoom client list shows until when each is good; taperoom client enrol HOST makes a new one. When the authority "
         "itself has expired, move the directory tls of the state directory away and enrol every client anew."),
    Page("CLT044", "E", "The certificate is revoked",
         "taperoom client revoke took the certificate back. Nothing was sent.",
         "If the client is to be backed up again: taperoom client enrol HOST, and install what that makes."),
    Page("CLT045", "E", "The other end does not speak TLS",
         f"What listens or connects there speaks plain text or another protocol. {_WHO}",
         "Correct the port of the host; start the listener on the client: python3 -m clientd listen."),
    Page("CLT046", "E", "The other end has no TLS 1.3",
         f"It offers only older versions of TLS, which are not used. {_WHO}",
         "See that the client's own listener answers, and not a proxy in between; its Python needs OpenSSL 1.1.1 or newer."),
    Page("CLT047", "E", "The client refuses this server",
         "The client looked at this server's certificate and does not take it: it was enrolled by another authority, or with "
         "another server, or thinks that the certificate has expired or is revoked. What it said is shown.",
         "Enrol the client again with --renew and install that. If it says expired, look at the clock of the client first."),
    Page("CLT048", "W", "A certificate expires soon",
         "A certificate ends within 30 days, or the authority within a year. The client may have got a newer one that was "
         "not installed on it yet.",
         "taperoom client enrol HOST --renew, and install it on the client; the old one is good until then."),
    Page("CLT049", "E", "The TLS handshake failed",
         f"It was broken off, took too long, or ended with an error that is shown. {_WHO}",
         "Look at the listener's log on the client (it names the reason), and for a firewall or proxy in between."),
    Page("CLT050", "E", "The files of the authority cannot be used",
         "A file in the directory tls of the state directory is missing, damaged, or belongs to another user.",
         "Let the user who runs the backup own the directory, or bring it back from a backup of the state directory."),
    Page("CLT051", "E", "The client is enrolled already",
         "It has a certificate that is good. A second one is made only when that is asked for.",
         "Say --renew. When the key may be in wrong hands, first: taperoom client revoke HOST."),
    Page("CLT052", "E", "The enrolment on the client cannot be used",
         "The file is no enrolment, the client was never enrolled, or a file of it is damaged or may not be read.",
         "taperoom client enrol HOST on the server makes the file, python3 -m clientd enrol FILE installs it on the client."),
    Page("CLT053", "E", "A Python package is missing on the server",
         "Certificates are made with the package cryptography. Only the commands that enrol and revoke need it.",
         "pip install 'taperoom[tls]'"),
    Page("CLT054", "E", "The listener cannot listen",
         "The port is taken, may not be used by this user, or the system has no more processes or files for a moment.",
         "See what listens there, or listen on another port and set port of the host in the configuration."),
)
