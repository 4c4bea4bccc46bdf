package activation

// HashInvitation is what is stored of an invitation.
var HashInvitation = hashInvitation
