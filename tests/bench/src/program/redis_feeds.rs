//! What the hand-written programs for Redis share: their scripts, which one exchange runs, and the
//! rows of a user in one command. The scripts are correct while no two items share a microsecond.

use user_streams_test_servers::harness::member;

use super::BulkRow;

/// KEYS: the stream, the marks; ARGV: the limit.
pub(super) const UNREAD: &str = r"
    local mark, least = redis.call('HGET', KEYS[2], 'read'), '-inf'
    if mark then
        local high, low = struct.unpack('>I4I4', mark)
        least = string.format('(%.0f', (high - 2147483648) * 4294967296 + low)
    end
    return math.min(redis.call('ZCOUNT', KEYS[1], least, '+inf'), tonumber(ARGV[1]))";

/// KEYS: the marks; ARGV: the place.
pub(super) const MARK_READ: &str = r"
    local mark = redis.call('HGET', KEYS[1], 'read')
    if mark and mark >= ARGV[1] then return 0 end
    redis.call('HSET', KEYS[1], 'read', ARGV[1])
    return 1";

/// A place as a mark has it.
pub(super) fn place((created_at_us, id): (i64, i64)) -> Vec<u8> {
    member::encode(created_at_us, id, "")
}

/// The runs of rows of one user.
pub(super) fn by_user(rows: &[BulkRow]) -> impl Iterator<Item = &[BulkRow]> {
    rows.chunk_by(|row, other| row.user == other.user)
}

/// The member of a row.
pub(super) fn row_member(row: &BulkRow) -> Vec<u8> {
    member::encode(row.created_at_us, row.id, &row.content)
}
