/* A client certificate that signs itself, and its private key; both are for tests alone. Made by
 *
 *     openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -subj "/CN=test client"
 */
#ifndef CLIENT_CERTIFICATE_H
#define CLIENT_CERTIFICATE_H

static const char CLIENT_CERTIFICATE[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBgzCCASmgAwIBAgIUXjUk71wVfHgOY5HbOIPWXMKQQJwwCgYIKoZIzj0EAwIw\n"
    "FjEUMBIGA1UEAwwLdGVzdCBjbGllbnQwIBcNMjYxMTI0MjAxMDAyWhgPMjEyNjEw\n"
    "MzEyMDEwMDJaMBYxFDASBgNVBAMMC3Rlc3QgY2xpZW50MFkwEwYHKoZIzj0CAQYI\n"
    "KoZIzj0DAQcDQgAEuSuAiLKemdNoy2TOkfvpDzLMKuD8nCR+AErm40njtnxSf6qy\n"
    "YFuhYW9vIROBVVJKXYokBXNuvJRJtK4OlXS0n6NTMFEwHQYDVR0OBBYEFGMK7VkJ\n"
    "Kq6VtkZfE6ndHA+lZskuMB8GA1UdIwQYMBaAFGMK7VkJKq6VtkZfE6ndHA+lZsku\n"
    "MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhANgKcvCX1GfkY8kz\n"
    "hOa/GPV29UD/JAzPGrql+cR6KxKDAiBjF09o3YepdOQWi5nY+qSCR/4pW3qD8PaQ\n"
    "9YSDa1QRMw==\n"
    "-----END CERTIFICATE-----\n";

static const char CLIENT_KEY[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgEOHr0xlm7o9BaOqY\n"
    "2w8FNyjTkO/7S2wqE1yULz5sWCqhRANCAAS5K4CIsp6Z02jLZM6R++kPMswq4Pyc\n"
    "JH4ASubjSeO2fFJ/qrJgW6Fhb28hE4FVUkpdiiQFc268lEm0rg6VdLSf\n"
    "-----END PRIVATE KEY-----\n";

#endif
