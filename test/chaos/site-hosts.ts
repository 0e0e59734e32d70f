/** Two sites to troupe, which goes by the host: a ban at one leaves the other open. */
export const SITE_HOSTS = ['127.0.0.1', '127.0.0.2'] as const;
